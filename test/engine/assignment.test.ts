import fc from "fast-check";
import t from "tap";
import { Assignment, OwnedPartition, type PartitionPhase } from "../../engine/assignment.ts";
import { InvariantError } from "../../engine/core-errors.ts";
import type { Claim, RecordIdentity } from "../../engine/ports.ts";
import { seedProperties } from "../support/property-seed.ts";

seedProperties(t, 300);

const PHASES: readonly PartitionPhase[] = ["joining", "claiming", "verifying", "running", "halted"];
/** The way from `joining` to each phase. */
const WAY: Record<PartitionPhase, readonly PartitionPhase[]> = {
	joining: [],
	claiming: ["claiming"],
	verifying: ["claiming", "verifying"],
	running: ["claiming", "running"],
	halted: ["halted"],
};
const ALLOWED = new Set([
	"joining>claiming",
	"joining>halted",
	"claiming>joining",
	"claiming>verifying",
	"claiming>running",
	"claiming>halted",
	"verifying>joining",
	"verifying>running",
	"verifying>halted",
	"running>joining",
	"running>halted",
	"halted>joining",
]);

const LAST: RecordIdentity = { offset: 41, timestampMs: 7, hash: new Uint8Array(16) };

function inPhase(phase: PartitionPhase): OwnedPartition {
	const owned = new OwnedPartition(3, 1);
	for (const step of WAY[phase]) owned.enter(step);
	return owned;
}

function claimOf(last: RecordIdentity | null): Claim {
	return {
		partition: 3,
		epoch: 9,
		nextOffset: 50,
		last,
		newestEventMs: 1234,
		recent: { records: 0, deadLetters: 0, atMs: 0 },
	};
}

t.test("a partition goes from phase to phase only along the table, and says where it stood", async (t) => {
	for (const from of PHASES) {
		for (const to of PHASES) {
			const owned = inPhase(from);
			if (ALLOWED.has(`${from}>${to}`)) {
				owned.enter(to);
				t.equal(owned.phase, to);
			} else {
				t.throws(() => owned.enter(to), new InvariantError(`partition 3 cannot go from ${from} to ${to}`));
				t.equal(owned.phase, from, "a refused step changes nothing");
			}
		}
	}
});

t.test("records are accepted only when running or verifying", async (t) => {
	t.same(
		PHASES.filter((phase) => inPhase(phase).accepts),
		["verifying", "running"],
	);
});

t.test("a claim of a partition nobody has counted starts at the row's offset", async (t) => {
	const owned = inPhase("claiming");
	owned.mismatches = 1;
	owned.adopt(claimOf(null));
	t.match(owned, {
		phase: "running",
		epoch: 9,
		expected: 50,
		durable: 50,
		position: 50,
		mismatches: 0,
		lastRecordMs: null,
		newestEventMs: 1234,
	});
});

t.test("a claim with a last record asks Kafka for that record first", async (t) => {
	const owned = inPhase("claiming");
	owned.adopt(claimOf(LAST));
	t.match(owned, { phase: "verifying", expected: 50, durable: 50, position: 41, lastRecordMs: 7 });
});

t.test("a released partition has no epoch and nothing to verify, and can be claimed again", async (t) => {
	const owned = inPhase("claiming");
	owned.adopt(claimOf(LAST));
	owned.enter("halted");
	owned.haltReason = "why";
	owned.release();
	t.match(owned, { phase: "joining", epoch: -1, verify: null, haltReason: null, accepts: false });
	owned.release();
	t.equal(owned.phase, "joining", "releasing twice is safe");
	owned.enter("claiming");
	owned.adopt(claimOf(null));
	t.equal(owned.phase, "running");
});

t.test("a join keeps what was claimed or halted, and makes everything else anew", async (t) => {
	const assignment = new Assignment();
	t.same(assignment.join([0, 1, 2, 3, 4]), { kept: new Set(), lost: [] });
	const before = assignment.all();
	for (const owned of before) for (const step of WAY[PHASES[owned.partition]!]) owned.enter(step);
	const { kept, lost } = assignment.join([0, 1, 2, 3, 4]);
	t.same([...kept], [2, 3, 4], "verifying, running and halted");
	t.same(lost, []);
	for (const owned of before) {
		const same = assignment.get(owned.partition) === owned;
		t.equal(same, kept.has(owned.partition), `${owned.phase}: only a kept one is the same object`);
	}
	t.equal(assignment.get(0)?.assignment, 2, "the new ones carry the number of the new assignment");
	t.equal(assignment.get(3)?.assignment, 1);
});

t.test(
	"a claim that is under way at a join is asked again, so that its answer counts for nobody",
	async (t) => {
		const assignment = new Assignment();
		assignment.join([0]);
		const asked = assignment.get(0)!;
		asked.enter("claiming");
		assignment.join([0]);
		t.not(assignment.get(0), asked);
		t.same(
			assignment.joining().map(({ partition }) => partition),
			[0],
		);
	},
);

t.test("a partition that was lost and comes back is not kept", async (t) => {
	const assignment = new Assignment();
	assignment.join([0, 1]);
	for (const step of WAY.running) assignment.get(1)!.enter(step);
	t.same(assignment.join([0]).lost, [1]);
	t.equal(assignment.get(1), undefined);
	t.notOk(assignment.join([0, 1]).kept.has(1));
	t.equal(assignment.get(1)?.phase, "joining");
});

t.test(
	"those that wait for a claim come in numeric order, in which rows are locked everywhere",
	async (t) => {
		const assignment = new Assignment();
		assignment.join([10, 9, 100, 1]);
		assignment.get(9)!.enter("claiming");
		t.same(
			assignment.joining().map(({ partition }) => partition),
			[1, 10, 100],
		);
	},
);

t.test("whatever the joins, what is owned is exactly the last assignment", async (t) => {
	const partitions = fc.uniqueArray(fc.nat(6), { maxLength: 7 });
	const step = fc.tuple(partitions, fc.array(fc.tuple(fc.nat(6), fc.constantFrom(...PHASES))));
	fc.assert(
		fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
			const assignment = new Assignment();
			let owned: readonly number[] = [];
			for (const [next, moves] of steps) {
				const phases = new Map(assignment.all().map(({ partition, phase }) => [partition, phase]));
				const { kept, lost } = assignment.join(next);
				const expectedKept = next.filter((p) =>
					["verifying", "running", "halted"].includes(phases.get(p) ?? ""),
				);
				if (String([...kept].sort()) !== String(expectedKept.sort())) return false;
				if (String(lost.sort()) !== String(owned.filter((p) => !next.includes(p)).sort())) return false;
				const all = assignment.all().map(({ partition }) => partition);
				if (String(all.sort()) !== String([...next].sort())) return false;
				owned = next;
				for (const [partition, phase] of moves) {
					const one = assignment.get(partition);
					if (one?.phase === "joining") for (const way of WAY[phase]) one.enter(way);
				}
			}
			return assignment.number === steps.length;
		}),
	);
	t.pass("all histories held");
});

t.test("a commit tells how far a partition is, unless it was claimed anew since", async (t) => {
	const assignment = new Assignment();
	assignment.join([3]);
	const owned = assignment.get(3)!;
	owned.enter("claiming");
	owned.adopt({
		partition: 3,
		epoch: 5,
		nextOffset: 10,
		last: null,
		newestEventMs: 1_000,
		recent: { records: 0, deadLetters: 0, atMs: 0 },
	});
	const range = { partition: 3, epoch: 5, from: 10, to: 20, records: 10, gaps: 0, last: LAST };
	assignment.committed([{ ...range, epoch: 4, to: 99 }], new Map([[3, 9_000]]));
	t.match(owned, { durable: 10, lastRecordMs: null, newestEventMs: 1_000 });
	assignment.committed([range, { ...range, partition: 8 }], new Map([[3, 500]]));
	t.match(owned, { durable: 20, lastRecordMs: 7, newestEventMs: 1_000 });
	assignment.committed([{ ...range, from: 20, to: 21, last: null }], new Map([[3, 2_000]]));
	t.match(owned, { durable: 21, lastRecordMs: 7, newestEventMs: 2_000 });
	const untimed = { ...range, from: 21, to: 22, last: { ...LAST, timestampMs: -1 } };
	assignment.committed([untimed], new Map([[3, 2_000]]));
	t.match(owned, { durable: 22, lastRecordMs: 7 }, "-1 is a record without a time");
});
