/** Metrics that are there for the sake of an alert. */
import t from "tap";
import type { CommitReport } from "../../../monitoring/commit-report.ts";
import { createMetrics } from "../../../monitoring/metrics.ts";
import { engineStatus, NOW_MS, partitionStatus } from "../../support/engine-status.ts";
import { metricValue, parseMetrics } from "../../support/prometheus-text.ts";

const REPORT: CommitReport = {
	stored: 2,
	deadLetters: {},
	eventTypes: [0, 0, 1, 1, 0],
	rows: 2,
	bytes: 100,
	phasesSeconds: { lock: 0, copy: 0, deadLetters: 0, members: 0, merge: 0, commit: 0, total: 0 },
	endToEndSeconds: [],
};

t.test("money stored is counted in units of its currency, from 0 on", async (t) => {
	const metrics = createMetrics({ status: engineStatus, now: () => NOW_MS, processMetrics: false });
	const page = async () => parseMetrics(await metrics.render());
	t.equal(metricValue(await page(), "engine_revenue_total"), 0, "a counter born later hides its first sale");
	t.equal(metricValue(await page(), "engine_payouts_total"), 0);
	metrics.committed({ ...REPORT, revenueCents: 1234, payoutCents: 50 });
	metrics.committed({ ...REPORT, revenueCents: 1 });
	metrics.committed(REPORT);
	t.equal(metricValue(await page(), "engine_revenue_total"), 12.35);
	t.equal(metricValue(await page(), "engine_payouts_total"), 0.5);
});

t.test("how far Postgres has counted a partition is shown as soon as it is known", async (t) => {
	let partitions = [partitionStatus(0, { durableOffset: 4711 }), partitionStatus(1, { durableOffset: null })];
	const metrics = createMetrics({
		status: () => engineStatus({ partitions }),
		now: () => NOW_MS,
		processMetrics: false,
	});
	const samples = async () =>
		parseMetrics(await metrics.render())
			.get("engine_partition_durable_offset")
			?.samples.map(({ labels, value }) => [labels["partition"], value]);
	t.same(await samples(), [["0", 4711]]);
	partitions = [partitionStatus(1, { durableOffset: 0 })];
	t.same(await samples(), [["1", 0]], "a partition that is gone has no series");
});
