import fc from "fast-check";
import t from "tap";
import { byteTicks, logTicks, niceTicks, timeTicks } from "../../../perf/report/ticks.ts";
import { seedProperties } from "../../support/property-seed.ts";

t.test("ticks are values a person would choose", async (t) => {
	t.strictSame(niceTicks(0, 405_123, 5), [0, 100_000, 200_000, 300_000, 400_000, 500_000]);
	t.strictSame(niceTicks(0, 0.9, 3), [0, 0.5, 1]);
	t.strictSame(niceTicks(0, 0.3, 3), [0, 0.1, 0.2, 0.3], "and not 0.30000000000000004");
	t.strictSame(niceTicks(-3, 3, 3), [-4, -2, 0, 2, 4]);
	t.strictSame(niceTicks(0, 0, 4), [0, 1], "nothing but zeros still has an axis");
});

t.test("bytes are counted in powers of two", async (t) => {
	const mebibytes = (ticks: number[]) => ticks.map((tick) => tick / 2 ** 20);
	t.strictSame(mebibytes(byteTicks(0, 498 * 2 ** 20, 4)), [0, 128, 256, 384, 512]);
	t.strictSame(byteTicks(0, 0, 4), [0, 1]);
});

t.test("a clock has seconds, minutes and hours", async (t) => {
	t.strictSame(timeTicks(0, 61, 6), [0, 15, 30, 45, 60]);
	t.strictSame(timeTicks(0, 600, 6), [0, 120, 240, 360, 480, 600]);
	t.strictSame(timeTicks(0.2, 1.3, 4), [0.5, 1], "and parts of a second for a short run");
	t.strictSame(timeTicks(4.3, 4.3, 4), [], "and none outside of the axis");
	t.strictSame(timeTicks(0, 4 * 86_400, 4), [0, 86_400, 172_800, 259_200, 345_600]);
});

t.test("a logarithmic axis has powers of ten, and what is between while there is room", async (t) => {
	t.strictSame(logTicks(1, 100, 8), [1, 2, 5, 10, 20, 50, 100]);
	t.strictSame(logTicks(0.5, 2000, 5), [1, 10, 100, 1000]);
	t.strictSame(logTicks(1, 1e9, 4), [1, 1e3, 1e6, 1e9]);
	t.strictSame(logTicks(10, 10, 3), [10]);
});

t.test("whatever the range, the ticks ascend, are few, and reach around it or stay within", async (t) => {
	seedProperties(t, 300);
	const range = fc.tuple(
		fc.double({ min: 0, max: 1e12, noNaN: true }),
		fc.double({ min: 1e-6, max: 1e12, noNaN: true }),
	);
	fc.assert(
		fc.property(range, fc.integer({ min: 2, max: 12 }), ([min, extent], count) => {
			const max = min + extent;
			// Below the precision of a number there is nothing to divide.
			fc.pre(extent > max * 1e-6);
			const ascending = (ticks: number[]) => ticks.every((tick, at) => at === 0 || tick > ticks[at - 1]!);
			const near = (max - min) * 1e-6;
			const around = niceTicks(min, max, count);
			const within = timeTicks(min, max, count);
			return (
				ascending(around) &&
				ascending(within) &&
				around.length <= count + 3 &&
				within.length <= count + 3 &&
				around[0]! <= min + near &&
				around.at(-1)! >= max - near &&
				within.every((tick) => tick >= min - near && tick <= max + near)
			);
		}),
	);
});

t.test("a range that would need a million ticks is a mistake", async (t) => {
	t.throws(() => niceTicks(0, 1, 1_000_000), RangeError);
});
