import t from "tap";
import type { PartitionPhase } from "../../engine/assignment.ts";
import { Suspicion } from "../../engine/suspicion.ts";
import { ManualClock } from "../support/manual-clock.ts";

const LIMITS = { condemnedMax: 2, condemnedWindowMs: 1_000 };
const RANGE = { partition: 0, from: 100, to: 200 };
const KILLER = { partition: 0, offset: 150 };
const SHARD = 1;

function suspicionOf() {
	const clock = new ManualClock();
	const suspicion = new Suspicion(LIMITS, clock);
	/** Two losses at the same offsets. */
	const suspect = () => {
		suspicion.lost(SHARD, [RANGE], null);
		suspicion.recovered();
		suspicion.lost(SHARD, [RANGE], null);
		suspicion.recovered();
	};
	const accuse = () => {
		suspect();
		suspicion.accepted({ partition: 0, from: 100, to: 200 });
		const verdict = suspicion.lost(SHARD, [RANGE], KILLER);
		suspicion.recovered();
		return verdict;
	};
	const standAt = (expected: number, phase: PartitionPhase = "running") => {
		return () => ({ expected, phase, accepts: phase === "running" });
	};
	return { suspicion, clock, suspect, accuse, standAt };
}

t.test("one loss makes nobody a suspect, nor do two at different offsets", async (t) => {
	const { suspicion } = suspicionOf();
	t.same(suspicion.lost(SHARD, [RANGE], null), { kind: "loss" });
	t.same(suspicion.lost(SHARD, [{ partition: 0, from: 200, to: 300 }], null), { kind: "loss" });
	t.same(suspicion.lost(SHARD, [{ partition: 1, from: 200, to: 300 }], null), { kind: "loss" });
	t.same(suspicion.suspects, []);
});

t.test("a second loss at the same offsets makes them suspects", async (t) => {
	const { suspicion } = suspicionOf();
	suspicion.lost(SHARD, [RANGE], null);
	t.same(suspicion.lost(SHARD, [{ partition: 0, from: 199, to: 300 }], null), { kind: "suspected" });
	t.same(suspicion.suspects, [{ partition: 0, from: 199, to: 300 }]);
	t.equal(suspicion.accused, null);
});

t.test("a commit between two losses tells that the first was passed", async (t) => {
	const { suspicion } = suspicionOf();
	suspicion.lost(SHARD, [RANGE], null);
	suspicion.passed(0, 200);
	t.same(suspicion.lost(SHARD, [RANGE], null), { kind: "loss" });
});

t.test(
	"the suspect in hand is accused, comes alone, and is condemned when it has killed twice",
	async (t) => {
		const { suspicion, accuse, standAt } = suspicionOf();
		t.same(accuse(), { kind: "accused", place: KILLER });
		t.equal(suspicion.cut(0, 100), 150, "everything before it comes first");
		t.equal(suspicion.cut(1, 100), null);
		const approach = suspicion.trial(standAt(100), true);
		t.same([approach.holds(0), approach.holds(1)], [false, true]);
		suspicion.accepted({ partition: 0, from: 100, to: 150 });
		const reached = suspicion.trial(standAt(150), false);
		t.same([reached.holds(0), reached.needsFreshActors], [true, false], "what came before is not stored yet");
		t.equal(suspicion.trial(standAt(150), true).needsFreshActors, true);
		suspicion.recovered();
		for (const kind of ["on_trial", "condemned"]) {
			const trial = suspicion.trial(standAt(150), true);
			t.same([trial.holds(0), trial.holds(1), trial.needsFreshActors], [false, true, false]);
			t.equal(suspicion.cut(0, 150), 151, "and nothing behind it comes along");
			suspicion.accepted({ partition: 0, from: 150, to: 151 });
			t.equal(suspicion.trial(standAt(151), false).holds(0), true);
			t.equal(suspicion.lost(SHARD, [{ partition: 0, from: 150, to: 151 }], KILLER).kind, kind);
			suspicion.recovered();
		}
		t.equal(suspicion.accused, null);
		t.equal(suspicion.trial(standAt(150), true).holds(1), false);
	},
);

t.test("an accused that is stored was innocent", async (t) => {
	const { suspicion, accuse, standAt } = suspicionOf();
	accuse();
	suspicion.accepted({ partition: 0, from: 150, to: 151 });
	suspicion.passed(0, 151);
	t.equal(suspicion.accused, null);
	t.equal(suspicion.trial(standAt(151), true).holds(1), false);
	t.equal(suspicion.suspects.length, 1, "the others of the range are still suspects");
});

t.test("an accused that a claim finds stored holds nobody", async (t) => {
	const { suspicion, accuse, standAt } = suspicionOf();
	accuse();
	t.equal(suspicion.trial(standAt(151), false).holds(1), true, "its commit may still be under way");
	t.equal(suspicion.trial(standAt(151), true).holds(1), false);
	t.equal(suspicion.accused, null);
});

t.test("deaths of an accused that was not alone, or of another actor, prove nothing", async (t) => {
	const { suspicion, accuse } = suspicionOf();
	accuse();
	for (let i = 0; i < 5; i++) {
		suspicion.accepted({ partition: 0, from: 120, to: 150 });
		suspicion.accepted({ partition: 0, from: 150, to: 151 });
		t.not(suspicion.lost(SHARD, [RANGE], KILLER).kind, "condemned");
		suspicion.recovered();
		suspicion.accepted({ partition: 0, from: 150, to: 151 });
		t.not(suspicion.lost(SHARD + 1, [RANGE], null).kind, "condemned");
		suspicion.recovered();
	}
});

t.test("suspect mode ends when the offsets are durable", async (t) => {
	const { suspicion, suspect } = suspicionOf();
	suspect();
	t.equal(suspicion.passed(0, 199), false);
	t.equal(suspicion.passed(0, 200), true);
	t.same(suspicion.suspects, []);
});

t.test("a record outside of the suspects is never accused", async (t) => {
	const { suspicion, suspect } = suspicionOf();
	suspect();
	suspicion.lost(SHARD, [RANGE], { partition: 0, offset: 99 });
	t.equal(suspicion.accused, null);
});

t.test("a partition that is lost or halted takes its accused along, and nobody is held for it", async (t) => {
	const { suspicion, accuse, standAt } = suspicionOf();
	accuse();
	suspicion.forget([0]);
	t.same([suspicion.accused, suspicion.suspects], [null, []]);
	accuse();
	t.equal(suspicion.trial(standAt(120, "halted"), true).holds(1), false);
	t.equal(suspicion.accused, null);
});

t.test("more condemned records than data explains are a bug of ours", async (t) => {
	const { suspicion, accuse } = suspicionOf();
	const kinds: string[] = [];
	for (let i = 0; i < 3; i++) {
		accuse();
		for (let death = 0; death < 2; death++) {
			suspicion.accepted({ partition: 0, from: 150, to: 151 });
			const { kind } = suspicion.lost(SHARD, [RANGE], KILLER);
			suspicion.recovered();
			if (death === 1) kinds.push(kind);
		}
		suspicion.passed(0, 1_000);
	}
	t.same(kinds, ["condemned", "condemned", "too_many"]);
});
