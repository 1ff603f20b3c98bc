import fc from "fast-check";
import t from "tap";
import { floorOf, trendOf } from "../../../../perf/support/cases/trend.ts";
import { seedProperties } from "../../../support/property-seed.ts";

const line = (count: number, y: (x: number) => number) =>
	Array.from({ length: count }, (_, x) => ({ x, y: y(x) }));

t.test("the slope of a straight line is found exactly, with what it grew", async (t) => {
	t.strictSame(trendOf(line(11, (x) => 3 * x + 5)), { slope: 3, mean: 20, growth: 30 });
	t.strictSame(trendOf(line(5, () => 7)), { slope: 0, mean: 7, growth: 0 });
});

t.test("any straight line is found, from wherever it is looked at", async (t) => {
	seedProperties(t, 200);
	const number = fc.integer({ min: -1000, max: 1000 });
	const xs = fc.uniqueArray(number, { minLength: 2, maxLength: 50 });
	fc.assert(
		fc.property(xs, number, number, (places, slope, offset) => {
			const trend = trendOf(places.map((x) => ({ x, y: slope * x + offset })))!;
			return Math.abs(trend.slope - slope) < 1e-6;
		}),
	);
});

t.test("swings around a level are no growth", async (t) => {
	const trend = trendOf(line(1000, (x) => 100 + 20 * Math.sin(x)))!;
	t.ok(Math.abs(trend.growth) < 2, `${trend.growth}`);
});

t.test("one moment has no slope", async (t) => {
	t.equal(trendOf([]), null);
	t.equal(trendOf([{ x: 1, y: 1 }]), null);
	t.equal(
		trendOf([
			{ x: 1, y: 1 },
			{ x: 1, y: 9 },
		]),
		null,
	);
});

t.test("a floor is the least of each stretch: what a collection left", async (t) => {
	const sawtooth = line(40, (x) => 100 + (x % 10) * 5);
	t.strictSame(floorOf(sawtooth, 10), [
		{ x: 0, y: 100 },
		{ x: 10, y: 100 },
		{ x: 20, y: 100 },
		{ x: 30, y: 100 },
	]);
	t.equal(
		floorOf(
			line(41, (x) => 100 + (x % 10) * 5 + x),
			10,
		).length,
		4,
		"the end is no stretch of its own",
	);
});
