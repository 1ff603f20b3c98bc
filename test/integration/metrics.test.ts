/** The metrics page of a running engine, and what an operator may read from it. */
import t from "tap";
import { createDatabase } from "../support/database.ts";
import { type EngineProcess, startEngine } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { type MetricFamily, metricValue } from "../support/prometheus-text.ts";
import { createTopic, type OutgoingMessage, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

type Page = ReadonlyMap<string, MetricFamily>;

/** What dashboards and alerts name: a metric that is renamed breaks them. */
const NAMES = {
	counter: [
		"events_received_total",
		"engine_events_consumed_total",
		"engine_events_processed_total",
		"engine_events_invalid_total",
		"engine_events_late_total",
		"engine_dlq_records_total",
		"engine_rebalances_total",
		"engine_actor_restarts_total",
		"engine_recoveries_total",
		"engine_flush_failures_total",
		"engine_flush_bytes_total",
	],
	gauge: [
		"engine_consumer_lag",
		"engine_consumer_lag_seconds",
		"engine_high_watermark_poll_timestamp_seconds",
		"engine_partition_last_event_timestamp_seconds",
		"engine_watermark_timestamp_seconds",
		"engine_partition_paused",
		"engine_partition_halted",
		"engine_actor_mailbox_depth",
		"engine_actor_busy_ratio",
		"engine_in_flight_bytes",
		"engine_in_flight_limit_bytes",
		"engine_last_flush_timestamp_seconds",
		"engine_flush_queue_depth",
		"engine_flush_consecutive_failures",
		"engine_open_windows",
		"engine_backpressure",
		"engine_ready",
		"engine_build_info",
		"process_resident_memory_bytes",
	],
	histogram: [
		"event_processing_seconds",
		"engine_end_to_end_latency_seconds",
		"engine_batch_process_seconds",
		"engine_flush_seconds",
		"engine_flush_duration_seconds",
		"engine_flush_rows",
	],
} as const;

const RECORD_MS = Date.UTC(2025, 5, 1, 12);

/** 60 of each: tickets, logins, and three kinds of dead letters. */
function mixture(): OutgoingMessage[] {
	return Array.from({ length: 60 }, (_, i) => [
		ticket({ user: `user_${i}`, session: i }),
		lotteryEvent({ user: `user_${i}`, session: i }),
		null,
		"{",
		lotteryEvent({ time: "2099-01-01T00:00:00" }),
	])
		.flat()
		.map((value, i) => ({ value, key: `user_${i}`, timestampMs: RECORD_MS }));
}

/** Sum over all series of a metric, or those with these labels. */
function sumOf(page: Page, name: string, labels: Readonly<Record<string, string>> = {}): number {
	const fits = (own: Readonly<Record<string, string>>) =>
		Object.entries(labels).every(([label, value]) => own[label] === value);
	const samples = page.get(name)?.samples.filter((sample) => fits(sample.labels)) ?? [];
	return samples.reduce((sum, { value }) => sum + value, 0);
}

function partitionsOf(page: Page, name: string): string[] {
	return (page.get(name)?.samples ?? []).map(({ labels }) => labels["partition"] ?? "none").sort();
}

/** Waits until the page shows what Postgres has counted: the metrics come a moment after the commit. */
function untilReceived(engine: EngineProcess, messages: number): Promise<Page> {
	return waitUntil(
		async () => {
			const page = await engine.metrics();
			return sumOf(page, "events_received_total") >= messages && page;
		},
		{ what: `${messages} received events on the page` },
	);
}

t.test("the page has every metric, and its counters add up to what Postgres has", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const engine = await startEngine(t, { topic, database });
	const messages = await send(topic, mixture());
	await untilCounted(database.client, messages.length);
	const page = await untilReceived(engine, messages.length);
	for (const [type, names] of Object.entries(NAMES)) {
		for (const name of names) {
			t.equal(page.get(name)?.type, type, `${name} is a ${type}`);
			if (name !== "engine_events_late_total") t.ok(page.get(name)?.samples.length, `${name} has a series`);
		}
	}

	const { rows } = await database.client.query<{ stored: number; dead: number }>(
		`SELECT (SELECT count(*) FROM events)::int AS stored, (SELECT count(*) FROM dead_letters)::int AS dead`,
	);
	const { stored, dead } = rows[0]!;
	t.equal(metricValue(page, "events_received_total", { status: "success" }), stored, "success = stored");
	t.equal(metricValue(page, "events_received_total", { status: "failure" }), dead, "failure = dead letters");
	t.equal(stored + dead, messages.length, "sent = stored + dead letters");
	t.equal(sumOf(page, "engine_events_consumed_total"), messages.length);
	t.equal(metricValue(page, "engine_events_processed_total", { event_type: "ticket_purchased" }), 60);
	t.equal(metricValue(page, "engine_events_processed_total", { event_type: "login" }), 60);
	t.equal(sumOf(page, "engine_events_processed_total"), stored);
	for (const [stage, reason] of [
		["decode", "null_value"],
		["decode", "json"],
		["time", "future_event"],
	] as const) {
		t.equal(metricValue(page, "engine_dlq_records_total", { stage, reason }), 60, reason);
		t.equal(metricValue(page, "engine_events_invalid_total", { reason }), 60, reason);
	}
	t.equal(sumOf(page, "engine_dlq_records_total"), dead);
	const { rows: money } = await database.client.query<{ revenue: number; payouts: number }>(
		"SELECT sum(total_revenue)::float8 AS revenue, sum(total_payouts)::float8 AS payouts FROM hourly_business_metrics",
	);
	t.ok(money[0]!.revenue > 0);
	t.equal(metricValue(page, "engine_revenue_total"), money[0]!.revenue);
	t.equal(metricValue(page, "engine_payouts_total"), money[0]!.payouts);
	t.equal(metricValue(page, "event_processing_seconds_count"), messages.length, "each was timed");
	t.equal(metricValue(page, "engine_end_to_end_latency_seconds_count"), messages.length, "to its end");
	t.equal(metricValue(page, "engine_flush_rows_sum"), messages.length, "rows of all sets together");
	t.equal(sumOf(page, "engine_recoveries_total"), 0);
	t.equal(sumOf(page, "engine_flush_failures_total"), 0);
});

t.test("a caught-up engine is ready, has no lag, and its newest flush is recent", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	const started = Date.now();
	const engine = await startEngine(t, { topic, database });
	const messages = await send(topic, mixture());
	await untilCounted(database.client, messages.length);
	await untilReceived(engine, messages.length);
	// Lag is as old as the poll of the watermarks: one that came after the last send is waited for.
	const sentBySeconds = Date.now() / 1000;
	const page = await waitUntil(async () => {
		const fresh = await engine.metrics();
		const polls = fresh.get("engine_high_watermark_poll_timestamp_seconds")?.samples ?? [];
		const isPolled = polls.length === 2 && polls.every(({ value }) => value > sentBySeconds);
		return isPolled && metricValue(fresh, "engine_ready") === 1 && fresh;
	});
	t.equal(sumOf(page, "engine_consumer_lag"), 0);
	t.equal(sumOf(page, "engine_consumer_lag_seconds"), 0);
	t.same(partitionsOf(page, "engine_consumer_lag"), ["0", "1"]);
	const flushedMs = metricValue(page, "engine_last_flush_timestamp_seconds") * 1000;
	t.ok(flushedMs >= started - 1000 && flushedMs <= Date.now() + 1000, "a timestamp, not an age");
	const newest = page.get("engine_watermark_timestamp_seconds")!.samples.map(({ value }) => value * 1000);
	t.same(newest, [RECORD_MS, RECORD_MS], "the watermark is the event time stored");
	t.equal(sumOf(page, "engine_partition_paused"), 0);
	await engine.ready();
	t.equal((await engine.get("/livez")).status, 200);
	const { partitions, state } = await engine.status();
	t.equal(state, "running");
	t.same(
		partitions.map(({ lag }) => lag),
		[0, 0],
	);
});

t.test("what is produced while the engine cannot write shows as lag, which returns to 0", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	const engine = await startEngine(t, { topic, database });
	const first = await send(topic, mixture());
	await untilCounted(database.client, first.length);

	await database.client.query("BEGIN");
	await database.client.query("LOCK TABLE hourly_totals IN EXCLUSIVE MODE");
	const more = await send(topic, mixture());
	const behind = await waitUntil(
		async () => {
			const page = await engine.metrics();
			return sumOf(page, "engine_consumer_lag") === more.length && page;
		},
		{ what: "the lag" },
	);
	const oldestMs = RECORD_MS;
	const lagSeconds = sumOf(behind, "engine_consumer_lag_seconds");
	t.ok(
		Math.abs(Date.now() - oldestMs - lagSeconds * 1000) < 60_000,
		"the age of the oldest record not stored",
	);
	t.equal(sumOf(behind, "events_received_total"), first.length, "nothing is received before it is committed");

	await database.client.query("COMMIT");
	await untilCounted(database.client, first.length + more.length);
	await waitUntil(async () => sumOf(await engine.metrics(), "engine_consumer_lag") === 0, { what: "no lag" });
	t.equal(sumOf(await engine.metrics(), "engine_consumer_lag_seconds"), 0);
});

t.test("series of partitions vanish when a second engine takes them over", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 4 });
	const first = await startEngine(t, { topic, database, label: "first" });
	const messages = await send(topic, mixture());
	await untilCounted(database.client, messages.length);
	const series = ["engine_consumer_lag", "engine_watermark_timestamp_seconds", "engine_partition_paused"];
	const shown = async (engine: EngineProcess) => {
		const page = await engine.metrics();
		return series.map((name) => partitionsOf(page, name).join(" "));
	};
	const all = "0 1 2 3";
	await waitUntil(async () => (await shown(first)).every((own) => own === all), { what: "all series" });

	const second = await startEngine(t, { topic, database, label: "second" });
	const shares = await waitUntil(
		async () => {
			const [one, two] = await Promise.all([shown(first), shown(second)]);
			const [mine = "", theirs = ""] = [one[0], two[0]];
			const isSplit = mine !== "" && `${mine} ${theirs}`.split(" ").sort().join(" ") === all;
			return isSplit && one.every((own) => own === mine) && [mine, theirs];
		},
		{ what: "each partition on one page" },
	);
	t.same(
		shares.map((share) => share.split(" ").length),
		[2, 2],
		"two each",
	);
	t.same(await second.stop(), { code: 0, signal: null });
	await waitUntil(async () => (await shown(first))[0] === all, { what: "all series again" });
	t.ok(sumOf(await first.metrics(), "engine_rebalances_total") >= 3, "each was counted");
});
