import t from "tap";
import { type Comparable, compare, gainOf } from "../../../perf/support/compare.ts";
import { comparisonTable } from "../../../perf/support/comparison-table.ts";
import type { Better, Ratio } from "../../../perf/support/result.ts";

const MACHINE = { cpu: "Slow", cores: 2, memoryBytes: 8, kernel: "6" };

function ratio(name: string, value: number, better: Better = "higher"): Ratio {
	return { name, value, unit: "ratio", better, about: "", of: "a", to: "b" };
}

function result(ratios: Ratio[], change: Partial<Comparable> = {}): Comparable {
	return {
		scenario: "drain",
		at: "2026-01-01T00:00:00.000Z",
		command: "node perf drain",
		machine: MACHINE,
		versions: { engine: "1", commit: "abc", node: "20", postgres: null, kafka: null },
		options: { events: 1000 },
		figures: [{ name: "throughput", value: 1000, unit: "events/s", better: "higher", about: "" }],
		ratios,
		...change,
	};
}

t.test("a ratio that fell too far is named with both values, one that fell a little is not", async (t) => {
	const before = result([ratio("engine/copy", 0.4)]);
	t.strictSame(compare(before, result([ratio("engine/copy", 0.301)]), 0.25).fallen, []);
	t.strictSame(compare(before, result([ratio("engine/copy", 0.299)]), 0.25).fallen, [
		"drain: engine/copy fell from 0.400 to 0.299: 25 % worse, 25 % is allowed",
	]);
	t.strictSame(compare(before, result([ratio("engine/copy", 0.9)]), 0.25).fallen, [], "better never fails");
});

t.test("a cost falls when it rises", async (t) => {
	const before = result([ratio("cpu", 3, "lower")]);
	t.strictSame(compare(before, result([ratio("cpu", 3.9, "lower")]), 0.25).fallen, []);
	t.match(compare(before, result([ratio("cpu", 4.1, "lower")]), 0.25).fallen, [
		/cpu fell from 3.000 to 4.100/,
	]);
	t.strictSame(compare(before, result([ratio("cpu", 1, "lower")]), 0.25).fallen, []);
});

t.test("a ratio that is gone has fallen; one without a good direction never does", async (t) => {
	t.match(compare(result([ratio("a", 1)]), result([]), 0.25).fallen, [/a is gone/]);
	const before = result([ratio("noise", 1, null)]);
	t.strictSame(compare(before, result([ratio("noise", 0.1, null)]), 0.25).fallen, []);
	t.strictSame(compare(before, result([]), 0.25).fallen, []);
});

t.test("a newer run may say that a ratio of its own is not to be judged", async (t) => {
	const { lines, fallen } = compare(result([ratio("a", 1)]), result([ratio("a", 0.1, null)]), 0.25);
	t.match(lines[0], { after: 0.1, verdict: null });
	t.strictSame(fallen, []);
});

t.test("the gain is the same for half the rate and for twice the cost", async (t) => {
	t.equal(gainOf(100, 50, "higher"), -0.5);
	t.equal(gainOf(2, 4, "lower"), -0.5);
	t.equal(gainOf(4, 2, "lower"), 1);
	t.equal(gainOf(0, 0, "lower"), 0);
	t.equal(gainOf(0, 3, "higher"), null, "from nothing there is no share");
	t.equal(gainOf(1, 2, null), null);
});

t.test("figures of another machine are shown but not judged, ratios are", async (t) => {
	const slower = [{ name: "throughput", value: 10, unit: "events/s", better: "higher", about: "" } as const];
	const other = { ...MACHINE, cpu: "Fast" };
	const here = compare(result([ratio("a", 1)]), result([ratio("a", 0.5)], { figures: slower }), 0.25);
	t.match(here.lines, [
		{ name: "a", verdict: "fallen" },
		{ name: "throughput", verdict: "worse" },
	]);
	t.strictSame(here.fallen.length, 1, "a figure alone never fails");
	const there = compare(
		result([ratio("a", 1)]),
		result([ratio("a", 0.5)], { figures: slower, machine: other }),
		0.25,
	);
	t.match(there.lines, [
		{ name: "a", verdict: "fallen" },
		{ name: "throughput", verdict: null },
	]);
	t.match(there.warnings, [/other machines \(2 × Slow; 2 × Fast\): only ratios/]);
});

t.test("other options are told, and other scenarios refused", async (t) => {
	const { warnings } = compare(result([]), result([], { options: { events: 5, users: 3 } }), 0.25);
	t.strictSame(warnings, ["other options: events 1000 and 5, users undefined and 3"]);
	t.throws(() => compare(result([]), result([], { scenario: "steady" }), 0.25), RangeError);
});

t.test("the table says what is better, what is worse, and what fell too far", async (t) => {
	const before = result([
		ratio("up", 1),
		ratio("down", 1),
		ratio("far", 1),
		ratio("still", 1),
		ratio("gone", 1),
	]);
	const after = result([ratio("up", 1.5), ratio("down", 0.9), ratio("far", 0.5), ratio("still", 1.01)]);
	const table = comparisonTable(compare(before, after, 0.25), ["A", "B"]);
	t.match(table, /up .* 1\.000 .* 1\.500 .* \+50 % .* better/);
	t.match(table, /down .* 0\.900 .* -10 % .* worse/);
	t.match(table, /far .* -50 % .* WORSE, TOO FAR/);
	t.match(table, /still .* \+1 % .* same/);
	t.match(table, /gone .* 1\.000 .* - .* gone/);
});
