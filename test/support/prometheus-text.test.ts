import t from "tap";
import { metricValue, parseMetrics } from "./prometheus-text.ts";

const HISTOGRAM = (buckets: string) => `# HELP h x\n# TYPE h histogram\n${buckets}h_sum 3\nh_count 2\n`;

t.test("the reader takes what Prometheus takes", async (t) => {
	const page = [
		"# HELP a_total first\\nsecond \\\\ line",
		"# TYPE a_total counter",
		'a_total{x="with \\"quotes\\", a comma, \\\\ and \\n",y=""} 1.5e3',
		'a_total{x="other",y=""} 0',
		"",
		"# HELP g ",
		"# TYPE g gauge",
		"g Nan",
		"",
	].join("\n");
	const families = parseMetrics(page);
	t.strictSame([...families.keys()], ["a_total", "g"]);
	t.equal(families.get("a_total")?.help, "first\nsecond \\ line");
	t.equal(metricValue(families, "a_total", { y: "", x: 'with "quotes", a comma, \\ and \n' }), 1500);
	t.ok(Number.isNaN(metricValue(families, "g")));
	t.throws(() => metricValue(families, "g", { x: "1" }), /no sample/);
});

t.test("the reader takes a complete histogram", async (t) => {
	const families = parseMetrics(HISTOGRAM('h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\n'));
	t.equal(metricValue(families, "h_bucket", { le: "1" }), 1);
	t.equal(metricValue(families, "h_count"), 2);
});

t.test("the reader refuses what Prometheus refuses or misreads", async (t) => {
	const typed = "# HELP a x\n# TYPE a gauge\n";
	const cases: Record<string, [string, RegExp]> = {
		"no line feed at the end": [`${typed}a 1`, /line feed/],
		"a sample without TYPE": ["a 1\n", /line 1: a sample without/],
		"HELP without TYPE": ["# HELP a x\n", /no TYPE/],
		"TYPE of another metric": ["# HELP a x\n# TYPE b gauge\n", /follow its own HELP/],
		"an unknown type": ["# HELP a x\n# TYPE a number\n", /not a type/],
		"a metric in two places": [`${typed}a 1\n${typed}`, /appears twice/],
		"a sample among another metric's": [`${typed}b 1\n`, /another metric/],
		"the same series twice": [`${typed}a{x="1",y="2"} 1\na{y="2",x="1"} 1\n`, /series appears twice/],
		"the same label twice": [`${typed}a{x="1",x="2"} 1\n`, /label x appears twice/],
		"a quote that is not escaped": [`${typed}a{x="a"b"} 1\n`, /bad labels/],
		"a bad label name": [`${typed}a{1x="a"} 1\n`, /bad labels/],
		"a value that is no number": [`${typed}a 1,5\n`, /not a number/],
		"undefined as a value": [`${typed}a undefined\n`, /not a number/],
		"a negative counter": ["# HELP a_total x\n# TYPE a_total counter\na_total -1\n", /not a count/],
		"le outside a histogram": [`${typed}a{le="1"} 1\n`, /le belongs/],
		"a histogram without +Inf": [HISTOGRAM('h_bucket{le="1"} 2\n'), /\+Inf is missing/],
		"buckets that fall": [HISTOGRAM('h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\n'), /not cumulative/],
		"buckets out of order": [
			HISTOGRAM('h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\n'),
			/not in order/,
		],
		"a count that is not the last bucket": [HISTOGRAM('h_bucket{le="+Inf"} 3\n'), /not the count/],
	};
	for (const [what, [page, message]] of Object.entries(cases))
		t.throws(() => parseMetrics(page), message, what);
});
