import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import t from "tap";
import { createWeightedHistogram } from "../../monitoring/weighted-histogram.ts";
import { metricValue, parseMetrics } from "../support/prometheus-text.ts";

const BUCKETS = [0.1, 1, 5];

t.test("a weighted histogram is prom-client's own, observed that many times", async (t) => {
	const value = fc.oneof(
		fc.constantFrom(0, 0.1, 1, 5, 5.000001),
		fc.double({ min: 0, max: 10, noNaN: true }),
	);
	const samples = fc.array(fc.tuple(value, fc.nat(30)), { maxLength: 20 });
	const property = fc.asyncProperty(samples, async (all) => {
		const [ours, theirs] = [new Registry(), new Registry()];
		const weighted = createWeightedHistogram({ name: "h", help: "x", buckets: BUCKETS });
		ours.registerMetric(weighted.metric);
		const plain = new Histogram({ name: "h", help: "x", buckets: BUCKETS, registers: [theirs] });
		for (const [seconds, count] of all) {
			weighted.observe(seconds, count);
			for (let i = 0; i < count; i++) plain.observe(seconds);
		}
		const [a, b] = [parseMetrics(await ours.metrics()), parseMetrics(await theirs.metrics())];
		for (const { name, labels, value } of b.get("h")!.samples) {
			// The sums differ in the order of their additions only.
			if (Math.abs(metricValue(a, name, labels) - value) > 1e-9 * (1 + value)) return false;
		}
		return a.get("h")!.samples.length === b.get("h")!.samples.length;
	});
	await t.resolves(fc.assert(property), "a failure prints its seed");
});

t.test("a value on a bound belongs to its bucket", async (t) => {
	const registry = new Registry();
	const histogram = createWeightedHistogram({ name: "h", help: "x", buckets: BUCKETS });
	registry.registerMetric(histogram.metric);
	histogram.observe(1, 1_000_000);
	const families = parseMetrics(await registry.metrics());
	t.equal(metricValue(families, "h_bucket", { le: "0.1" }), 0);
	t.equal(metricValue(families, "h_bucket", { le: "1" }), 1_000_000);
});

t.test("a count that is none is left out", async (t) => {
	const registry = new Registry();
	const histogram = createWeightedHistogram({ name: "h", help: "x", buckets: BUCKETS });
	registry.registerMetric(histogram.metric);
	for (const count of [0, -3, Number.NaN]) histogram.observe(1, count);
	t.equal(metricValue(parseMetrics(await registry.metrics()), "h_count"), 0);
});

t.test("buckets that do not rise are refused", async (t) => {
	t.throws(() => createWeightedHistogram({ name: "h", help: "x", buckets: [1, 1] }), RangeError);
	t.throws(() => createWeightedHistogram({ name: "h", help: "x", buckets: [2, 1] }), /must rise/);
});
