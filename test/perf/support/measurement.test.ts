import t from "tap";
import { type Measurement, medianOf, tableOf } from "../../../perf/support/measurement.ts";

const measurement = (eventsPerSecond: number): Measurement => ({
	subject: "engine",
	eventsPerSecond,
	events: 900_000,
	seconds: 3,
	wholeSeconds: 5,
	cpuMicrosPerEvent: { own: 3.1, postgres: null, kafka: 0.06 },
	peakMemoryBytes: { own: 500 * 2 ** 20, kafka: null },
	lag: 0,
	recoveries: 0,
});

t.test("the median is the run in the middle, whatever their order", async (t) => {
	t.equal(medianOf([3, 1, 2].map(measurement)).eventsPerSecond, 2);
	t.equal(medianOf([100, 9].map(measurement)).eventsPerSecond, 9, "of two the slower one");
	t.throws(() => medianOf([]), RangeError);
});

t.test("the table shows what is unknown as unknown", async (t) => {
	const table = tableOf([measurement(400_000), measurement(300_000)]);
	t.match(table, /engine 1 .* 400,000 .* 3\.10 .* \? .* 0\.06 .* 500 .* \? /);
	t.match(table, /median .* 300,000/);
	t.notMatch(tableOf([measurement(1)]), "median", "one run has none");
});
