import t from "tap";
import { restartOutcome } from "../../perf/restart.ts";

t.test("restarts are told by their median, their longest, and beside a first start", async (t) => {
	const outcome = restartOutcome({
		restartSeconds: [2, 1, 6],
		firstStartSeconds: 1.6,
		wholeSeconds: 20,
		sent: 1_000_000,
	});
	const values = Object.fromEntries(
		[...outcome.figures, ...outcome.ratios!].map(({ name, value }) => [name, value]),
	);
	t.strictSame(values, {
		"first-new-commit": 2,
		"first-new-commit-max": 6,
		"first-start": 1.6,
		whole: 20,
		"first-new-commit/first-start": 1.25,
	});
	t.match(outcome.figures[0]!.about, /median of 2\.00, 1\.00, 6\.00/);
	t.strictSame(
		outcome.curves![0]!.points.map(({ y }) => y),
		[2, 1, 6],
		"in their order",
	);
	t.throws(
		() => restartOutcome({ restartSeconds: [], firstStartSeconds: 1, wholeSeconds: 1, sent: 1 }),
		RangeError,
	);
});
