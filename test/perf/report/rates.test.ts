import t from "tap";
import { ratesOf, rateWindowSeconds } from "../../../perf/report/rates.ts";

const counted = (counts: readonly (number | null)[], interval = 1) =>
	counts.map((count, at) => ({ atSeconds: at * interval, count }));
const values = (counts: readonly (number | null)[], window: number) =>
	ratesOf(counted(counts), window).map(({ y }) => y);

t.test("a rate is what came within the window before each sample", async (t) => {
	t.strictSame(values([0, 100, 200, 400], 1), [null, 100, 100, 200]);
	t.strictSame(values([0, 100, 200, 400, 400], 2), [null, 100, 100, 150, 100]);
});

t.test("a hole in the samples is a hole in the rate, and nothing is counted across it", async (t) => {
	t.strictSame(values([0, 100, null, 500, 600], 3), [null, 100, null, null, 100]);
});

t.test("a process that began again from 0 makes no negative rate", async (t) => {
	t.strictSame(values([0, 100, 200, 10, 60], 2), [null, 100, 100, null, 50]);
});

t.test("one sample has no rate, and none neither", async (t) => {
	t.strictSame(values([7], 1), [null]);
	t.strictSame(values([], 1), []);
	t.strictSame(
		ratesOf(
			[
				{ atSeconds: 1, count: 1 },
				{ atSeconds: 1, count: 5 },
			],
			1,
		).map(({ y }) => y),
		[null, null],
		"nor have two of the same moment",
	);
});

t.test("the window is wider than the sampler's jitter and narrower than what happened", async (t) => {
	const seconds = (count: number, interval: number) =>
		rateWindowSeconds(Array.from({ length: count }, (_, at) => at * interval));
	t.equal(seconds(241, 0.25), 1.2, "a fiftieth of a minute");
	t.equal(seconds(21, 0.25), 0.75, "three samples of a short run");
	t.equal(rateWindowSeconds([]), 1);
	t.equal(rateWindowSeconds([3]), 1);
});
