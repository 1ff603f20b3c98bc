import t from "tap";
import { Assignment } from "../../engine/assignment.ts";
import { createLog } from "../../engine/log.ts";
import { Pauses } from "../../engine/pauses.ts";
import type { Claim, Watermarks } from "../../engine/ports.ts";
import { Positions } from "../../engine/positions.ts";
import { STALL_MS_MAX } from "../../engine/stall-watch.ts";
import { RecordingSource } from "../support/recording-source.ts";

const LAST = { offset: 41, timestampMs: 7, hash: new Uint8Array(16) };

/** Partition 0, assigned and being claimed, on a log that the test moves. */
function claimedPartition() {
	const log = { now: { low: 0, high: 100 } as Watermarks };
	const failures: unknown[] = [];
	const recording = new RecordingSource();
	const source = Object.assign(recording, {
		watermarks: async () => new Map([[0, log.now]]),
		rebuild: async () => void recording.calls.push("rebuild"),
	});
	const assignment = new Assignment();
	const pauses = new Pauses(source);
	const positions = new Positions({
		source,
		assignment,
		pauses,
		log: createLog({ level: "silent", format: "json" }),
		onFailure: (error) => failures.push(error),
	});
	assignment.join([0]);
	pauses.assign([0], new Set());
	const owned = assignment.get(0)!;
	owned.enter("claiming");
	recording.calls.length = 0;
	const claim = (nextOffset: number, last: Claim["last"] = null): Claim => {
		return {
			partition: 0,
			epoch: 3,
			nextOffset,
			last,
			newestEventMs: null,
			recent: { records: 0, deadLetters: 0, atMs: 0 },
		};
	};
	return { owned, assignment, positions, pauses, calls: recording.calls, log, failures, claim };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test("a claimed partition is sought where its row says, then resumed", async (t) => {
	const { owned, positions, calls, claim } = claimedPartition();
	positions.claimed(owned, claim(42), { kind: "go", verify: false });
	t.equal(owned.phase, "running");
	t.same(calls, ["seek 0 to 42", "resume 0"]);
});

t.test("a partition with a record to read back is sought at that record", async (t) => {
	const { owned, positions, calls, claim } = claimedPartition();
	positions.claimed(owned, claim(42, LAST), { kind: "go", verify: true });
	t.equal(owned.phase, "verifying");
	t.same(calls, ["seek 0 to 41", "resume 0"]);
});

t.test("a record that retention took is not read back", async (t) => {
	const { owned, positions, calls, claim } = claimedPartition();
	positions.claimed(owned, claim(42, LAST), { kind: "go", verify: false });
	t.equal(owned.phase, "running");
	t.same(calls, ["seek 0 to 42", "resume 0"]);
});

t.test("a partition that does not fit the log stays paused, and says why", async (t) => {
	const { owned, positions, pauses, calls, claim } = claimedPartition();
	positions.claimed(owned, claim(42), { kind: "halt", reason: "it is gone" });
	t.match(owned, { phase: "halted", haltReason: "it is gone" });
	t.same(calls, []);
	t.same(pauses.reasonsOf(0), ["halted"]);
});

t.test("a position within the log that the consumer lost is a case for a new consumer", async (t) => {
	const { owned, positions, calls, claim, failures } = claimedPartition();
	positions.claimed(owned, claim(42), { kind: "go", verify: false });
	positions.positionLost(owned);
	positions.positionLost(owned);
	await settled();
	t.same(calls.slice(2), ["pause 0", "rebuild"], "once, however often it is told");
	t.same(failures, []);
});

t.test("a position outside of the log halts the partition: the engine never jumps", async (t) => {
	for (const now of [
		{ low: 43, high: 100 },
		{ low: 0, high: 41 },
	]) {
		const { owned, positions, pauses, calls, claim, log } = claimedPartition();
		positions.claimed(owned, claim(42), { kind: "go", verify: false });
		log.now = now;
		positions.positionLost(owned);
		await settled();
		t.match(owned.haltReason, /^offset_out_of_range: 42/);
		t.same(pauses.reasonsOf(0), ["halted"]);
		t.notOk(calls.includes("rebuild"));
	}
});

t.test("a record that retention takes while it is to be read back is not waited for", async (t) => {
	const { owned, positions, calls, claim, log } = claimedPartition();
	positions.claimed(owned, claim(42, LAST), { kind: "go", verify: true });
	log.now = { low: 42, high: 100 };
	positions.positionLost(owned);
	await settled();
	t.equal(owned.phase, "running");
	t.same(calls.slice(-2), ["seek 0 to 42", "resume 0"]);
});

t.test("an answer for a partition that was lost meanwhile changes nothing", async (t) => {
	const { owned, assignment, positions, calls, claim, log } = claimedPartition();
	positions.claimed(owned, claim(42), { kind: "go", verify: false });
	log.now = { low: 90, high: 100 };
	positions.positionLost(owned);
	assignment.join([]);
	assignment.join([0]);
	await settled();
	t.equal(assignment.get(0)?.phase, "joining");
	t.equal(calls.at(-1), "pause 0");
});

t.test(
	"a stalled partition is sought again, then rebuilt; a log that ends before it is reported",
	async (t) => {
		const { owned, positions, pauses, calls, claim } = claimedPartition();
		positions.claimed(owned, claim(42), { kind: "go", verify: false });
		calls.length = 0;
		const look = (high: number, nowMs: number) => positions.unstall(new Map([[0, { low: 0, high }]]), nowMs);
		for (const nowMs of [0, STALL_MS_MAX, 2 * STALL_MS_MAX]) t.equal(look(50, nowMs), null);
		t.same(calls, ["seek 0 to 42", "rebuild"]);
		pauses.add("flush");
		t.equal(look(50, 3 * STALL_MS_MAX), null);
		pauses.remove("flush");
		t.equal(look(41, 4 * STALL_MS_MAX), null);
		t.match(look(41, 5 * STALL_MS_MAX), /ends before our position/);
	},
);

t.test("a batch that cannot be read is asked for twice more; then its partition is halted", async (t) => {
	const { owned, positions, pauses, calls, claim } = claimedPartition();
	positions.claimed(owned, claim(42), { kind: "go", verify: false });
	calls.length = 0;
	positions.unreadable(owned, "compression 7 is unknown");
	positions.unreadable(owned, "compression 7 is unknown");
	t.same([owned.phase, calls], ["running", ["seek 0 to 42", "seek 0 to 42"]]);
	positions.unreadable(owned, "compression 7 is unknown");
	t.equal(owned.phase, "halted");
	t.match(owned.haltReason, /^unreadable_batch: .* offset 42 .*compression 7 is unknown$/);
	t.same([calls.slice(2), pauses.reasonsOf(0)], [["pause 0"], ["halted"]]);
});
