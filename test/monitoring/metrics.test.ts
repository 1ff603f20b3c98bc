import fc from "fast-check";
import t from "tap";
import type { CommitReport } from "../../monitoring/commit-report.ts";
import { createMetrics } from "../../monitoring/metrics.ts";
import type { EngineStatus } from "../../monitoring/status.ts";
import { EVENT_TYPES } from "../../schema/event.ts";
import { REASONS } from "../../schema/reasons.ts";
import { actorStatus, engineStatus, NOW_MS, partitionStatus } from "../support/engine-status.ts";
import { type MetricFamily, metricValue, parseMetrics } from "../support/prometheus-text.ts";

type Families = ReadonlyMap<string, MetricFamily>;

function setup(first: EngineStatus = engineStatus(), recoveryReasons: string[] = []) {
	const state = { status: first, nowMs: NOW_MS };
	const metrics = createMetrics({
		status: () => state.status,
		now: () => state.nowMs,
		processMetrics: false,
		recoveryReasons,
	});
	return { state, metrics, scrape: async () => parseMetrics(await metrics.render()) };
}

function report(change: Partial<CommitReport> = {}): CommitReport {
	return {
		stored: 10,
		deadLetters: { "decode/json": 2, "validate/schema": 1 },
		eventTypes: [4, 3, 2, 1, 0],
		rows: 13,
		bytes: 1500,
		phasesSeconds: {
			lock: 0.001,
			copy: 0.02,
			deadLetters: 0.002,
			members: 0.01,
			merge: 0.003,
			commit: 0.0004,
			total: 0.04,
		},
		endToEndSeconds: [
			[0.2, 7],
			[3, 3],
		],
		...change,
	};
}

const seriesOf = (families: Families, name: string) =>
	families.get(name)?.samples.map(({ labels }) => Object.values(labels).join("/"));

t.test("the page is one Prometheus would take, with Node's own metrics on it", async (t) => {
	const metrics = createMetrics({ status: () => engineStatus(), now: () => NOW_MS });
	metrics.committed(report());
	const families = parseMetrics(await metrics.render());
	t.ok(families.has("process_cpu_seconds_total"));
	t.ok(families.has("engine_consumer_lag"));
	t.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

t.test("names follow the rules: prefix, base unit, _total on counters only", async (t) => {
	const { scrape, metrics } = setup();
	metrics.committed(report());
	for (const [name, { type, help, samples }] of await scrape()) {
		t.match(name, /^(engine_|events_received_total$|event_processing_seconds$)/, `${name} has a prefix`);
		t.equal(name.endsWith("_total"), type === "counter", `${name} ends with _total only as a counter`);
		t.notMatch(
			name,
			/(ms|millis|milliseconds|minutes|hours|kb|mb|percent)(_total)?$/,
			`${name} is in base units`,
		);
		t.not(help, "", `${name} is explained`);
		if (/timestamp/.test(name)) t.match(name, /_timestamp_seconds$/);
		for (const { labels } of samples) {
			for (const label of Object.keys(labels)) t.match(label, /^[a-z][a-z_]*$/, `${name}: ${label}`);
			t.notOk("user_id" in labels || "offset" in labels, `${name} has no label without end`);
		}
	}
});

t.test("every metric of the list is there", async (t) => {
	const families = await setup().scrape();
	const names = `engine_consumer_lag engine_consumer_lag_seconds engine_partition_last_event_timestamp_seconds
		engine_last_flush_timestamp_seconds engine_watermark_timestamp_seconds
		engine_high_watermark_poll_timestamp_seconds engine_events_consumed_total engine_events_processed_total
		engine_events_invalid_total engine_dlq_records_total engine_events_late_total engine_rebalances_total
		engine_actor_restarts_total engine_recoveries_total engine_end_to_end_latency_seconds
		engine_batch_process_seconds engine_flush_seconds engine_flush_rows engine_flush_failures_total
		engine_actor_mailbox_depth engine_actor_busy_ratio engine_flush_queue_depth engine_open_windows
		engine_partition_paused engine_partition_halted engine_backpressure engine_in_flight_bytes
		engine_build_info engine_ready events_received_total event_processing_seconds`;
	for (const name of names.split(/\s+/)) t.ok(families.has(name), name);
});

t.test("what is known beforehand starts at 0, so that a rate sees the first of each", async (t) => {
	const families = await setup(engineStatus(), ["fenced"]).scrape();
	for (const event_type of EVENT_TYPES) {
		t.equal(metricValue(families, "engine_events_processed_total", { event_type }), 0);
	}
	for (const [reason, { stage }] of Object.entries(REASONS)) {
		t.equal(metricValue(families, "engine_events_invalid_total", { reason }), 0);
		t.equal(metricValue(families, "engine_dlq_records_total", { stage, reason }), 0);
	}
	t.equal(metricValue(families, "events_received_total", { status: "success" }), 0);
	t.equal(metricValue(families, "events_received_total", { status: "failure" }), 0);
	t.equal(metricValue(families, "engine_recoveries_total", { reason: "fenced" }), 0);
	t.equal(metricValue(families, "engine_actor_restarts_total", { actor: "1" }), 0);
	t.equal(metricValue(families, "engine_flush_failures_total", { code: "40P01" }), 0);
	t.equal(metricValue(families, "engine_flush_seconds_count", { phase: "merge" }), 0);
	t.equal(metricValue(families, "engine_end_to_end_latency_seconds_count"), 0);
});

t.test("a commit is booked once, everywhere it belongs", async (t) => {
	const { metrics, scrape } = setup();
	metrics.committed(report({ lateByAge: { "24h": 2 } }));
	metrics.committed(report({ deadLetters: {}, processingSeconds: [[0.3, 10]] }));
	const families = await scrape();
	const value = (name: string, labels = {}) => metricValue(families, name, labels);
	t.equal(value("events_received_total", { status: "success" }), 20);
	t.equal(value("events_received_total", { status: "failure" }), 3);
	t.equal(value("engine_events_processed_total", { event_type: "login" }), 8);
	t.equal(value("engine_events_processed_total", { event_type: "claim_reward" }), 2);
	t.equal(value("engine_events_invalid_total", { reason: "json" }), 2);
	t.equal(value("engine_dlq_records_total", { stage: "validate", reason: "schema" }), 1);
	t.equal(value("engine_events_late_total", { age: "24h" }), 2);
	t.equal(value("engine_flush_bytes_total"), 3000);
	t.equal(value("engine_flush_rows_sum"), 26);
	t.equal(value("engine_flush_seconds_count", { phase: "dead_letters" }), 2);
	t.equal(value("engine_flush_duration_seconds_sum"), 0.08);
	t.equal(value("engine_end_to_end_latency_seconds_count"), 20, "each sample counts for its events");
	t.equal(value("engine_end_to_end_latency_seconds_bucket", { le: "0.25" }), 14);
	t.ok(Math.abs(value("engine_end_to_end_latency_seconds_sum") - 20.8) < 1e-9);
	t.equal(value("event_processing_seconds_count"), 23, "also without samples every event of the set counts");
	t.equal(value("event_processing_seconds_bucket", { le: "0.05" }), 13);
});

t.test("a latency that cannot be is not booked as one", async (t) => {
	const { metrics, scrape } = setup();
	const endToEndSeconds = [
		[-5, 2],
		[Number.NaN, 4],
		[Infinity, 4],
	] as const;
	metrics.committed(report({ endToEndSeconds }));
	const families = await scrape();
	t.equal(metricValue(families, "engine_end_to_end_latency_seconds_count"), 2, "unknown ages are left out");
	t.equal(
		metricValue(families, "engine_end_to_end_latency_seconds_sum"),
		0,
		"a clock ahead of ours took no time",
	);
});

t.test("the other counters count what they are told", async (t) => {
	const { metrics, scrape } = setup();
	metrics.consumed(500);
	metrics.consumed(20);
	metrics.batchProcessed(0.002);
	metrics.recovered("fenced");
	metrics.rebalanced();
	metrics.actorRestarted(1);
	metrics.flushFailed("40001");
	metrics.gap(1, 3);
	const families = await scrape();
	t.equal(metricValue(families, "engine_events_consumed_total"), 520);
	t.equal(metricValue(families, "engine_batch_process_seconds_count"), 1);
	t.equal(metricValue(families, "engine_recoveries_total", { reason: "fenced" }), 1);
	t.equal(metricValue(families, "engine_rebalances_total"), 1);
	t.equal(metricValue(families, "engine_actor_restarts_total", { actor: "1" }), 1);
	t.equal(metricValue(families, "engine_flush_failures_total", { code: "40001" }), 1);
	t.equal(metricValue(families, "engine_offset_gaps_total", { partition: "1" }), 3);
});

t.test("the gauges are the status, in base units", async (t) => {
	const families = await setup().scrape();
	const value = (name: string, labels = {}) => metricValue(families, name, labels);
	const labels = { topic: "user_events", partition: "1" };
	t.equal(value("engine_consumer_lag", labels), 50);
	t.equal(value("engine_consumer_lag_seconds", labels), 2.5);
	t.equal(value("engine_high_watermark_poll_timestamp_seconds", labels), NOW_MS / 1000 - 1);
	t.equal(value("engine_partition_last_event_timestamp_seconds", labels), NOW_MS / 1000 - 3);
	t.equal(value("engine_watermark_timestamp_seconds", labels), NOW_MS / 1000 - 4);
	t.equal(value("engine_last_flush_timestamp_seconds"), NOW_MS / 1000 - 0.2);
	t.equal(value("engine_in_flight_bytes", { hop: "actors" }), 1000);
	t.equal(value("engine_in_flight_limit_bytes", { hop: "sets" }), 20_000);
	t.equal(value("engine_actor_mailbox_depth", { actor: "0" }), 2);
	t.equal(value("engine_flush_queue_depth"), 1);
	t.equal(value("engine_open_windows"), 3);
	t.equal(value("engine_ready"), 1);
	t.equal(value("engine_build_info", { version: "1.2.3", node: process.versions.node }), 1);
});

t.test("the series of a lost partition and a lost actor vanish", async (t) => {
	const { state, metrics, scrape } = setup();
	const before = await scrape();
	const perPartition = [...before.keys()].filter((name) =>
		before.get(name)!.samples.some((s) => "partition" in s.labels),
	);
	t.ok(perPartition.length >= 6);
	state.status = engineStatus({ partitions: [partitionStatus(1)], actors: [actorStatus(0)] });
	const after = await scrape();
	for (const name of perPartition) {
		t.strictSame(new Set(seriesOf(after, name)), new Set(["user_events/1"]), name);
	}
	t.strictSame(seriesOf(after, "engine_actor_mailbox_depth"), ["0"]);
	t.strictSame(seriesOf(after, "engine_actor_busy_ratio"), ["0"]);
	state.status = engineStatus({ partitions: [] });
	metrics.gap(0, 1);
	t.strictSame(seriesOf(await scrape(), "engine_consumer_lag"), []);
});

t.test("what is not known has no series, least of all a lag of 0 or the year 1970", async (t) => {
	const unknown = {
		lag: null,
		lagSeconds: null,
		watermarksAtMs: null,
		newestEventMs: null,
		lastRecordMs: null,
	};
	const flush = { ...engineStatus().flush, lastCommitAtMs: null };
	const { state, scrape } = setup(engineStatus({ partitions: [partitionStatus(0, unknown)], flush }));
	const endless = partitionStatus(0, { newestEventMs: Number.NEGATIVE_INFINITY });
	const noRow = await setup(engineStatus({ partitions: [endless] })).scrape();
	t.strictSame(seriesOf(noRow, "engine_watermark_timestamp_seconds"), [], "no row has no newest event");
	for (const round of ["first", "after a known one"]) {
		const families = await scrape();
		t.strictSame(seriesOf(families, "engine_consumer_lag"), [], round);
		t.strictSame(seriesOf(families, "engine_consumer_lag_seconds"), [], round);
		t.strictSame(seriesOf(families, "engine_watermark_timestamp_seconds"), [], round);
		t.strictSame(seriesOf(families, "engine_last_flush_timestamp_seconds"), [], round);
		const kept = state.status;
		state.status = engineStatus();
		t.equal(seriesOf(await scrape(), "engine_last_flush_timestamp_seconds")?.length, 1);
		state.status = kept;
	}
});

t.test("pauses show with their reason, and only falling behind is back-pressure", async (t) => {
	const { state, scrape } = setup(
		engineStatus({ partitions: [partitionStatus(0, { pausedReasons: ["claim"] }), partitionStatus(1)] }),
	);
	const claiming = await scrape();
	t.equal(metricValue(claiming, "engine_partition_paused", { topic: "user_events", partition: "0" }), 1);
	t.equal(metricValue(claiming, "engine_partition_paused", { topic: "user_events", partition: "1" }), 0);
	t.strictSame(seriesOf(claiming, "engine_partition_paused_reason"), ["user_events/0/claim"]);
	t.equal(metricValue(claiming, "engine_backpressure"), 0);
	state.status = engineStatus({
		partitions: [partitionStatus(1, { pausedReasons: ["flush"], state: "halted" })],
		notReady: ["x"],
	});
	const behind = await scrape();
	t.equal(metricValue(behind, "engine_backpressure"), 1);
	t.equal(metricValue(behind, "engine_partition_halted", { topic: "user_events", partition: "1" }), 1);
	t.equal(metricValue(behind, "engine_ready"), 0);
	state.status = engineStatus();
	const flowing = await scrape();
	t.strictSame(seriesOf(flowing, "engine_partition_paused_reason"), [], "a reason that is over is gone");
	t.equal(metricValue(flowing, "engine_backpressure"), 0);
});

t.test("the busy ratio is that of the last scrape interval", async (t) => {
	const { state, scrape } = setup(engineStatus({ actors: [actorStatus(0, { busyMs: 0 })] }));
	const ratio = async (busyMs: number, nowMs: number) => {
		state.status = engineStatus({ actors: [actorStatus(0, { busyMs })] });
		state.nowMs = nowMs;
		return metricValue(await scrape(), "engine_actor_busy_ratio", { actor: "0" });
	};
	t.equal(await ratio(5000, NOW_MS + 10_000), 0.5);
	t.equal(await ratio(15_000, NOW_MS + 20_000), 1);
	t.equal(await ratio(15_000, NOW_MS + 30_000), 0, "an idle actor falls to 0 whatever it did before");
});

t.test("labels that come from outside stay bounded", async (t) => {
	const { metrics, scrape } = setup();
	for (let i = 0; i < 1000; i++) {
		metrics.flushFailed(`X${i}`);
		metrics.recovered(`because ${i}`);
		metrics.committed(report({ deadLetters: { [`stage${i}/reason${i}`]: 1 }, lateByAge: { [`${i}h`]: 1 } }));
	}
	const families = await scrape();
	for (const name of [
		"engine_flush_failures_total",
		"engine_recoveries_total",
		"engine_events_invalid_total",
		"engine_dlq_records_total",
		"engine_events_late_total",
	]) {
		const samples = families.get(name)?.samples ?? [];
		t.ok(samples.length <= 60, `${name} has ${samples.length} series`);
		t.equal(
			samples.reduce((sum, { value }) => sum + value, 0),
			1000,
			`${name} lost none`,
		);
	}
});

t.test("counters never go backwards and equal what was fed, whatever comes in between", async (t) => {
	const step = fc.oneof(
		fc.record({
			kind: fc.constant("commit" as const),
			stored: fc.nat(1000),
			json: fc.nat(50),
			ages: fc.array(fc.tuple(fc.double({ min: -10, max: 1e5, noNaN: true }), fc.nat(100)), { maxLength: 4 }),
		}),
		fc.record({
			kind: fc.constant("status" as const),
			partitions: fc.uniqueArray(fc.nat(7)),
			actors: fc.uniqueArray(fc.nat(3)),
		}),
		fc.record({ kind: fc.constant("other" as const), n: fc.nat(100) }),
	);
	const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
		const { state, metrics, scrape } = setup();
		let before: Families = await scrape();
		let stored = 0;
		for (const one of steps) {
			if (one.kind === "commit") {
				stored += one.stored;
				metrics.committed(
					report({ stored: one.stored, deadLetters: { "decode/json": one.json }, endToEndSeconds: one.ages }),
				);
			} else if (one.kind === "status") {
				state.status = engineStatus({
					partitions: one.partitions.map((p) => partitionStatus(p)),
					actors: one.actors.map((a) => actorStatus(a)),
				});
			} else {
				metrics.consumed(one.n);
				metrics.gap(one.n % 4, one.n);
				metrics.flushFailed(`${one.n}`);
			}
			const after = await scrape();
			for (const [name, { type, samples }] of before) {
				if (type === "gauge") continue;
				for (const sample of samples) {
					if (type === "histogram" && sample.name.endsWith("_sum")) continue;
					if (metricValue(after, sample.name, sample.labels) < sample.value) throw new Error(`${name} fell`);
				}
			}
			before = after;
		}
		return metricValue(before, "events_received_total", { status: "success" }) === stored;
	});
	await t.resolves(fc.assert(property, { numRuns: 60 }), "a failure prints its seed");
});
