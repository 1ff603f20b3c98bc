/** prom-client, behind monitoring/. No Kafka, no Postgres. */
import { Counter, Gauge, Histogram, type Metric, Registry } from "prom-client";
import t from "tap";

/** The lines of samples on a page. */
async function samples(registry: Registry): Promise<string[]> {
	return (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

t.test("a registry of one's own holds nothing of the others", async (t) => {
	const [one, other] = [new Registry(), new Registry()];
	new Counter({ name: "c", help: "h", registers: [one] }).inc();
	t.same(await samples(one), ["c 1"]);
	t.same(await samples(other), []);
});

t.test(
	"reset leaves a gauge without labels at 0, and takes series with labels away; remove({}) takes it off the page",
	async (t) => {
		const registry = new Registry();
		const plain = new Gauge({ name: "plain", help: "h", registers: [registry] });
		const labelled = new Gauge({ name: "labelled", help: "h", labelNames: ["p"], registers: [registry] });
		plain.set(5);
		labelled.set({ p: 1 }, 5);
		plain.reset();
		labelled.reset();
		t.same(await samples(registry), ["plain 0"], "of a time that is 1970");
		plain.remove({});
		t.same(await samples(registry), []);
		plain.set(6);
		t.same(await samples(registry), ["plain 6"]);
	},
);

t.test(
	"incrementing by 0 makes a series that stands at 0, and counters refuse to go backwards",
	async (t) => {
		const registry = new Registry();
		const counter = new Counter({ name: "c", help: "h", labelNames: ["reason"], registers: [registry] });
		counter.inc({ reason: "x" }, 0);
		t.same(await samples(registry), ['c{reason="x"} 0']);
		t.throws(() => counter.inc({ reason: "x" }, -1));
	},
);

t.test("a histogram can be born at 0 with its labels", async (t) => {
	const registry = new Registry();
	const histogram = new Histogram({
		name: "h",
		help: "h",
		labelNames: ["phase"],
		buckets: [1],
		registers: [registry],
	});
	histogram.zero({ phase: "copy" });
	t.ok((await samples(registry)).includes('h_count{phase="copy"} 0'));
});

t.test(
	"whatever has a name and a get is shown as a metric: a histogram of our own, buckets as they are",
	async (t) => {
		const registry = new Registry();
		const values = [
			{ metricName: "own_bucket", labels: { le: 1 }, value: 2 },
			{ metricName: "own_bucket", labels: { le: "+Inf" }, value: 3 },
			{ metricName: "own_sum", labels: {}, value: 4.5 },
			{ metricName: "own_count", labels: {}, value: 3 },
		];
		const get = async () => ({ name: "own", help: "h", type: "histogram", aggregator: "sum", values });
		registry.registerMetric({ name: "own", help: "h", type: "histogram", get } as unknown as Metric);
		t.same(await samples(registry), [
			'own_bucket{le="1"} 2',
			'own_bucket{le="+Inf"} 3',
			"own_sum 4.5",
			"own_count 3",
		]);
	},
);

t.test("a name can be registered once", async (t) => {
	const registry = new Registry();
	new Gauge({ name: "g", help: "h", registers: [registry] });
	t.throws(() => new Gauge({ name: "g", help: "h", registers: [registry] }), /already been registered/);
});

t.test("a label value is escaped, and an unknown label is refused", async (t) => {
	const registry = new Registry();
	const gauge = new Gauge({ name: "g", help: "h", labelNames: ["topic"], registers: [registry] });
	gauge.set({ topic: 'a"b\\c\nd' }, 1);
	t.same(await samples(registry), ['g{topic="a\\"b\\\\c\\nd"} 1']);
	t.throws(() => (gauge as Gauge<string>).set({ other: "x" }, 1));
});

t.test("the content type is the text format that Prometheus reads", async (t) => {
	t.match(new Registry().contentType, /^text\/plain; version=0\.0\.4/);
});
