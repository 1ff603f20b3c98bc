import assert from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { type PauseReason, Pauses } from "../../engine/pauses.ts";
import { seedProperties } from "../support/property-seed.ts";
import { RecordingSource } from "../support/recording-source.ts";

seedProperties(t, 500);

const NONE: ReadonlySet<number> = new Set();

function joined(partitions: readonly number[]): { source: RecordingSource; pauses: Pauses } {
	const source = new RecordingSource();
	const pauses = new Pauses(source);
	pauses.assign(partitions, NONE);
	return { source, pauses };
}

t.test("a new assignment is paused whole, with the reason claim, in one call", async (t) => {
	const { source, pauses } = joined([0, 1]);
	t.same(source.calls, ["pause 0,1"]);
	t.same(pauses.reasonsOf(0), ["claim"]);
});

t.test("a partition flows when its last reason is gone, and not before", async (t) => {
	const { source, pauses } = joined([0, 1]);
	pauses.add("flush");
	pauses.remove("claim", 0);
	t.same([...source.paused], [0, 1], "the flush still holds it");
	pauses.remove("flush");
	t.same([...source.paused], [1]);
	t.same(source.calls, ["pause 0,1", "resume 0"]);
});

t.test("two causes never undo each other", async (t) => {
	const { source, pauses } = joined([0]);
	pauses.remove("claim", 0);
	pauses.add("actors");
	pauses.add("flush");
	pauses.remove("actors");
	t.ok(source.paused.has(0));
	t.ok(pauses.has("flush"));
	t.notOk(pauses.has("actors"));
	t.same(pauses.reasonsOf(0), ["flush"]);
});

t.test("a reason given twice is one reason", async (t) => {
	const { source, pauses } = joined([0]);
	pauses.add("halted", 0);
	pauses.add("halted", 0);
	pauses.remove("halted", 0);
	pauses.remove("claim", 0);
	t.notOk(source.paused.has(0));
});

t.test("after a join everything is said again, since kafkajs forgets", async (t) => {
	const { source, pauses } = joined([0, 1]);
	pauses.remove("claim", 0);
	pauses.remove("claim", 1);
	pauses.add("halted", 1);
	source.forget();
	pauses.assign([0, 1, 2], new Set([0, 1]));
	t.same([...source.paused], [1, 2], "kept ones go on as they were, a new one waits for its claim");
	t.same(source.calls[0], "pause 0,1,2", "paused first: between a join and its first fetch nothing may flow");
});

t.test("a partition that is not kept loses its old reasons, and waits for its claim", async (t) => {
	const { source, pauses } = joined([0]);
	pauses.add("halted", 0);
	source.forget();
	pauses.assign([0], NONE);
	t.same(pauses.reasonsOf(0), ["claim"]);
});

t.test("a partition that is not ours is never paused or resumed", async (t) => {
	const { source, pauses } = joined([0]);
	pauses.add("halted", 7);
	pauses.remove("claim", 7);
	pauses.reset(7);
	t.same(source.calls, ["pause 0"]);
	t.same(pauses.reasonsOf(7), []);
	source.forget();
	pauses.assign([1], NONE);
	pauses.remove("claim", 0);
	t.same(source.calls, ["pause 1"], "one that was lost is not ours any more");
});

t.test("a reset leaves only claim of its own reasons, and the common ones", async (t) => {
	const { source, pauses } = joined([0]);
	pauses.remove("claim", 0);
	pauses.add("halted", 0);
	pauses.add("position", 0);
	pauses.add("recovery");
	pauses.reset(0);
	t.same(pauses.reasonsOf(0), ["recovery", "claim"]);
	pauses.remove("recovery");
	pauses.remove("claim", 0);
	t.notOk(source.paused.has(0));
});

type Step =
	| { readonly kind: "add" | "remove"; readonly reason: PauseReason; readonly partition: number | undefined }
	| { readonly kind: "reset"; readonly partition: number }
	| { readonly kind: "assign"; readonly partitions: readonly number[]; readonly keep: readonly boolean[] };

const partition = fc.nat(3);
const own = fc.constantFrom<PauseReason>("claim", "halted", "position");
const common = fc.constantFrom<PauseReason>("recovery", "actors", "flush", "stopping");
const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 3, arbitrary: fc.record({ kind: fc.constant("add" as const), reason: own, partition }) },
	{ weight: 5, arbitrary: fc.record({ kind: fc.constant("remove" as const), reason: own, partition }) },
	fc.record({
		kind: fc.constantFrom("add" as const, "remove" as const),
		reason: common,
		partition: fc.constant(undefined),
	}),
	fc.record({ kind: fc.constant("reset" as const), partition }),
	fc.record({
		kind: fc.constant("assign" as const),
		partitions: fc.uniqueArray(partition),
		keep: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
	}),
);

t.test(
	"whatever happens, the source is paused exactly where a reason is left, and told only of changes",
	async (t) => {
		fc.assert(
			fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
				const source = new RecordingSource();
				const pauses = new Pauses(source);
				let ours: readonly number[] = [];
				const all = new Set<PauseReason>();
				const each = new Map<number, Set<PauseReason>>();
				for (const next of steps) {
					const before = new Set(source.paused);
					source.calls.length = 0;
					if (next.kind === "assign") {
						source.forget();
						const kept = new Set(next.partitions.filter((p) => next.keep[p] && ours.includes(p)));
						pauses.assign(next.partitions, kept);
						for (const p of [0, 1, 2, 3]) if (!kept.has(p)) each.delete(p);
						for (const p of next.partitions) if (!kept.has(p)) each.set(p, new Set(["claim"]));
						ours = next.partitions;
					} else if (next.kind === "reset") {
						pauses.reset(next.partition);
						if (each.has(next.partition)) each.set(next.partition, new Set(["claim"]));
					} else {
						const reasons = next.partition === undefined ? all : each.get(next.partition);
						pauses[next.kind](next.reason, next.partition);
						if (next.kind === "add") reasons?.add(next.reason);
						else reasons?.delete(next.reason);
					}
					for (const p of ours) {
						assert.deepEqual(new Set(pauses.reasonsOf(p)), new Set([...all, ...each.get(p)!]));
					}
					const wanted = ours.filter((p) => all.size > 0 || each.get(p)!.size > 0);
					assert.deepEqual([...source.paused].sort(), [...wanted].sort());
					if (next.kind === "assign") continue;
					const changed = [0, 1, 2, 3].filter((p) => before.has(p) !== source.paused.has(p));
					const told = source.calls.flatMap((call) => call.split(" ")[1]!.split(",").map(Number));
					assert.deepEqual(told.sort(), changed, "one word per change");
				}
			}),
		);
		t.pass("all histories held");
	},
);
