import t from "tap";
import { createProducerMetrics } from "../../monitoring/producer-metrics.ts";
import { metricValue, parseMetrics } from "../support/prometheus-text.ts";

t.test("sent events are counted by what became of them, from 0", async (t) => {
	const metrics = createProducerMetrics();
	const sent = async (status: string) =>
		metricValue(parseMetrics(await metrics.render()), "producer_events_sent_total", { status });
	t.equal(await sent("success"), 0);
	t.equal(await sent("failure"), 0);
	metrics.sent("success", 1000);
	metrics.sent("success", 1);
	metrics.sent("failure", 7);
	t.equal(await sent("success"), 1001);
	t.equal(await sent("failure"), 7);
	t.match(metrics.contentType, /^text\/plain/);
});

t.test("two producers in one process count apart", async (t) => {
	const [one, two] = [createProducerMetrics(), createProducerMetrics()];
	one.sent("success", 5);
	t.equal(
		metricValue(parseMetrics(await two.render()), "producer_events_sent_total", { status: "success" }),
		0,
	);
});
