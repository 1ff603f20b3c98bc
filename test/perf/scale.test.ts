import t from "tap";
import { scaleOutcome } from "../../perf/scale.ts";
import { drainedAt } from "./support/cases/drained.ts";

t.test("each number of engines has its figures, its ratio to one, and its place on the curves", async (t) => {
	const outcome = scaleOutcome([
		[drainedAt(200_000), drainedAt(100_000), drainedAt(210_000)],
		[drainedAt(300_000)],
		[drainedAt(250_000, { peakMemoryBytes: null })],
	]);
	const values = Object.fromEntries(
		[...outcome.figures, ...outcome.ratios!].map(({ name, value }) => [name, value]),
	);
	t.match(values, {
		"1-engine-throughput": 200_000,
		"2-engines-throughput": 300_000,
		"2-engines/1-engine": 1.5,
		"3-engines/1-engine": 1.25,
		"2-engines-cpu": 4,
	});
	t.notOk("3-engines-memory-peak" in values, "what is unknown is left out");
	t.strictSame(outcome.curves![0]!.points, [
		{ x: 1, y: 200_000 },
		{ x: 2, y: 300_000 },
		{ x: 3, y: 250_000 },
	]);
	t.equal(outcome.timeline!.marks[0]!.text, "250000", "shown are most engines");
});
