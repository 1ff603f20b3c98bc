import fc from "fast-check";
import t from "tap";
import { LatencyHistogram } from "../../../perf/support/latency-histogram.ts";
import { seedProperties } from "../../support/property-seed.ts";

seedProperties(t, 300);

/** The smallest that so large a share does not exceed, with every value at hand. */
function exactPercentile(values: readonly number[], share: number): number {
	const sorted = values.map((value) => Math.ceil(value)).sort((a, b) => a - b);
	return sorted[Math.ceil(share * sorted.length - 1e-6) - 1] ?? 0;
}

t.test("percentiles are exact up to 256 ms, and never too low nor 0.8 % too high above", (t) => {
	const latency = fc.oneof(
		fc.double({ min: 0, max: 300, noNaN: true }),
		fc.integer({ min: 0, max: 2 ** 31 }),
	);
	fc.assert(
		fc.property(
			fc.array(latency, { minLength: 1, maxLength: 200 }),
			fc.constantFrom(0.01, 0.5, 0.95, 0.99, 1),
			(values, share) => {
				const histogram = new LatencyHistogram();
				for (const value of values) histogram.record(value, 1);
				const exact = exactPercentile(values, share);
				const found = histogram.percentile(share);
				return exact <= 256 ? found === exact : found >= exact && found <= exact * 1.008;
			},
		),
	);
	t.end();
});

t.test("many at once count as many", (t) => {
	const histogram = new LatencyHistogram();
	histogram.record(10, 98);
	histogram.record(20, 1);
	histogram.record(700, 1);
	t.strictSame(
		[0.5, 0.98, 0.99].map((share) => histogram.percentile(share)),
		[10, 10, 20],
	);
	t.match(histogram.distribution("x"), {
		name: "x",
		unit: "ms",
		count: 100,
		p50: 10,
		p95: 10,
		p99: 20,
		max: 700,
	});
	t.end();
});

t.test("the buckets of the plot hold every value once, within their ends", (t) => {
	fc.assert(
		fc.property(
			fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 50 }),
			(values) => {
				const histogram = new LatencyHistogram();
				for (const value of values) histogram.record(value, 3);
				const { buckets } = histogram.distribution("x");
				let before = -1;
				for (const { atMost, count } of buckets) {
					// Ends fall between two values that the histogram tells apart, so up to 0.8 % of slack.
					const inside =
						values.filter((value) => value > before * 1.008 && value <= atMost / 1.008).length * 3;
					if (atMost <= before || count < inside) return false;
					before = atMost;
				}
				const total = buckets.reduce((sum, { count }) => sum + count, 0);
				return total === values.length * 3 && before >= Math.max(...values);
			},
		),
	);
	t.end();
});

t.test("a plot of a second is a hundred bars at most, and begins where the values do", (t) => {
	const histogram = new LatencyHistogram();
	for (let ms = 100; ms <= 1000; ms++) histogram.record(ms, 1);
	const { buckets } = histogram.distribution("x");
	t.ok(buckets.length < 100, String(buckets.length));
	t.ok(buckets[0]!.atMost >= 100 && buckets[0]!.count > 0);
	t.end();
});

t.test("nothing recorded is no latency", (t) => {
	t.match(new LatencyHistogram().distribution("x"), { count: 0, p50: 0, max: 0, buckets: [] });
	t.end();
});
