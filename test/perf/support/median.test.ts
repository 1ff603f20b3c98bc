import t from "tap";
import { median, medianOrNull, middleOf } from "../../../perf/support/median.ts";

t.test("the median is the value in the middle, whatever the order", async (t) => {
	t.equal(median([3, 1, 2]), 2);
	t.equal(median([100, 9, 20]), 20, "numbers, not words");
	t.equal(median([4, 2]), 3);
	t.throws(() => median([]), RangeError);
});

t.test("a median with an unknown value is unknown", async (t) => {
	t.equal(medianOrNull([1, null, 3]), null);
	t.equal(medianOrNull([]), null);
	t.equal(medianOrNull([1, 2, 3]), 2);
});

t.test("the run in the middle is one that was", async (t) => {
	t.equal(middleOf([30, 10, 20], Number), 20);
	t.equal(middleOf([30, 10], Number), 10, "of two the lower one");
	t.throws(() => middleOf([], Number), RangeError);
});
