import t from "tap";
import { barsOf, drawHistogram } from "../../../perf/report/histogram.ts";
import type { Distribution } from "../../../perf/support/result.ts";

const distribution = (buckets: Distribution["buckets"]): Distribution => ({
	name: "latency",
	unit: "ms",
	count: buckets.reduce((sum, { count }) => sum + count, 0),
	p50: 20,
	p95: 40,
	p99: 80,
	max: 80,
	buckets,
});

t.test("every value is in a bar, whatever the buckets", async (t) => {
	const fine = Array.from({ length: 500 }, (_, at) => ({ atMost: 1.02 ** at, count: at % 7 }));
	for (const buckets of [
		fine,
		[{ atMost: 5, count: 3 }],
		[
			{ atMost: 1, count: 0 },
			{ atMost: 2, count: 4 },
			{ atMost: 900, count: 1 },
		],
	]) {
		const bars = barsOf(distribution(buckets));
		const sum = bars.reduce((total, { share }) => total + share, 0);
		t.ok(Math.abs(sum - 1) < 1e-9, `${buckets.length} buckets`);
		t.ok(bars.length <= 48);
		t.ok(bars.every(({ from, to }) => to > from && from > 0));
	}
});

t.test(
	"even buckets stay even: a bar is not twice its neighbour because two buckets met in it",
	async (t) => {
		const even = Array.from({ length: 130 }, (_, at) => ({ atMost: 10 * 1.03 ** at, count: 1000 }));
		const shares = barsOf(distribution(even)).map(({ share }) => share);
		t.ok(Math.max(...shares) / Math.min(...shares) < 1.1, `${Math.min(...shares)} to ${Math.max(...shares)}`);
	},
);

t.test("percentiles are drawn and named", async (t) => {
	const svg = drawHistogram(
		distribution([
			{ atMost: 20, count: 50 },
			{ atMost: 80, count: 50 },
		]),
		560,
		170,
	);
	for (const text of ["p50 20 ms", "p95 40 ms", "p99 80 ms", "max 80 ms"]) t.match(svg, `>${text}</text>`);
	t.notMatch(svg, /NaN|Infinity|undefined/);
});

t.test("a distribution without values has no bars", async (t) => {
	t.strictSame(barsOf(distribution([])), []);
	t.strictSame(barsOf(distribution([{ atMost: 5, count: 0 }])), []);
});
