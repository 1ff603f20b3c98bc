import t from "tap";
import { CrashBudget } from "../../../engine/kafka/crash-budget.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const LIMITS = { crashesMax: 6, crashWindowMs: 60_000 };

t.test(
	"each crash waits longer than the one before, up to a limit, and then there are too many",
	async (t) => {
		const budget = new CrashBudget(LIMITS, new ManualClock());
		const waits = Array.from({ length: 7 }, () => budget.crashed());
		t.same(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000, null]);
	},
);

t.test("crashes of long ago are forgiven", async (t) => {
	const clock = new ManualClock();
	const budget = new CrashBudget(LIMITS, clock);
	for (let i = 0; i < 100; i++) {
		t.equal(budget.crashed(), 500);
		clock.advance(LIMITS.crashWindowMs);
	}
});
