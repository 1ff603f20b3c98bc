/**
 * Every metric of the engine: its name, its meaning and its labels, and nothing else.
 *
 * Names follow https://prometheus.io/docs/practices/naming/. Times are exported as timestamps and not as ages, so
 * that a hung process still alarms (`time() - x`). No label grows without end: never a user, never a message.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { createWeightedHistogram } from "./weighted-histogram.ts";

/** From a fifth of a millisecond (a commit without fsync) to half a minute (a lock held by somebody else). */
const FLUSH_BUCKETS_SECONDS = [
	0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
/** From a live event at the shortest flush interval to a topic read from its start. */
const END_TO_END_BUCKETS_SECONDS = [
	0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86400,
];
const BATCH_BUCKETS_SECONDS = [
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];
const ROWS_BUCKETS = [1, 10, 100, 1000, 2500, 5000, 10_000, 20_000, 50_000, 100_000, 500_000];

export type Events = ReturnType<typeof defineEvents>;

/** What is counted and timed as it happens, once per batch or set. */
export function defineEvents(registry: Registry) {
	const registers = [registry];
	const counter = <T extends string = never>(name: string, help: string, ...labelNames: T[]) =>
		new Counter({ name, help, labelNames, registers });
	const weighted = (name: string, help: string, buckets: readonly number[]) => {
		const histogram = createWeightedHistogram({ name, help, buckets });
		registry.registerMetric(histogram.metric);
		return histogram;
	};

	return {
		// The older system's names; dashboards built for it keep working.
		received: counter(
			"events_received_total",
			"Events whose fate is committed: stored (success) or dead-lettered (failure)",
			"status",
		),
		processing: weighted(
			"event_processing_seconds",
			"Time from receiving an event from Kafka to its commit",
			END_TO_END_BUCKETS_SECONDS,
		),

		consumed: counter(
			"engine_events_consumed_total",
			"Records accepted from Kafka; records replayed after a recovery count again",
		),
		processed: counter(
			"engine_events_processed_total",
			"Events stored, counted when the commit is acknowledged",
			"event_type",
		),
		invalid: counter("engine_events_invalid_total", "Events that became dead letters, by reason", "reason"),
		deadLetters: counter(
			"engine_dlq_records_total",
			"Dead letters written, by stage and reason",
			"stage",
			"reason",
		),
		late: counter(
			"engine_events_late_total",
			"Events stored that corrected an older hour, by how late they were",
			"age",
		),
		gaps: counter(
			"engine_offset_gaps_total",
			"Offsets that hold no record for us: compacted, or transaction markers",
			"partition",
		),
		rebalances: counter("engine_rebalances_total", "Assignments received from the consumer group"),
		restarts: counter("engine_actor_restarts_total", "Actors started again after they were lost", "actor"),
		recoveries: counter(
			"engine_recoveries_total",
			"Times everything uncommitted was dropped and read again",
			"reason",
		),
		flushFailures: counter(
			"engine_flush_failures_total",
			"Transactions that failed, by SQLSTATE or connection error",
			"code",
		),
		consumerRebuilds: counter(
			"engine_consumer_rebuilds_total",
			"Times the Kafka consumer was thrown away and built anew",
			"reason",
		),
		flushBytes: counter("engine_flush_bytes_total", "Bytes sent to Postgres in committed transactions"),
		// By the time they were stored, not by event time: what a backfill brings counts as of today.
		revenue: counter("engine_revenue_total", "Sum of ticket purchases stored, in the events' currency"),
		payouts: counter("engine_payouts_total", "Sum of claimed rewards stored, in the events' currency"),

		endToEnd: weighted(
			"engine_end_to_end_latency_seconds",
			"Time from an event's Kafka timestamp to its commit in Postgres",
			END_TO_END_BUCKETS_SECONDS,
		),
		batches: new Histogram({
			name: "engine_batch_process_seconds",
			help: "Time the main thread took to check, pack and route one batch",
			buckets: BATCH_BUCKETS_SECONDS,
			registers,
		}),
		flushPhases: new Histogram({
			name: "engine_flush_seconds",
			help: "Time of one step of a committed transaction",
			labelNames: ["phase"],
			buckets: FLUSH_BUCKETS_SECONDS,
			registers,
		}),
		flushDuration: new Histogram({
			name: "engine_flush_duration_seconds",
			help: "Time of a whole committed transaction",
			buckets: FLUSH_BUCKETS_SECONDS,
			registers,
		}),
		flushRows: new Histogram({
			name: "engine_flush_rows",
			help: "Rows copied by one committed transaction, dead letters included",
			buckets: ROWS_BUCKETS,
			registers,
		}),
	};
}

export type Gauges = ReturnType<typeof defineGauges>;

/** What is read from the engine's status at every scrape. */
export function defineGauges(registry: Registry) {
	const gauge = <T extends string = never>(name: string, help: string, ...labelNames: T[]) =>
		new Gauge({ name, help, labelNames, registers: [registry] });
	return {
		lag: gauge(
			"engine_consumer_lag",
			"Records in the partition that are not committed in Postgres",
			"topic",
			"partition",
		),
		lagSeconds: gauge(
			"engine_consumer_lag_seconds",
			"Age of the oldest record that is not committed; 0 without lag",
			"topic",
			"partition",
		),
		durableOffset: gauge(
			"engine_partition_durable_offset",
			"Postgres has counted the partition up to this offset; a lag beside one that stands still is a stall",
			"topic",
			"partition",
		),
		polledAt: gauge(
			"engine_high_watermark_poll_timestamp_seconds",
			"When the end of the partition was last read; a lag is as old as this",
			"topic",
			"partition",
		),
		lastEventAt: gauge(
			"engine_partition_last_event_timestamp_seconds",
			"Kafka timestamp of the newest record committed",
			"topic",
			"partition",
		),
		watermark: gauge(
			"engine_watermark_timestamp_seconds",
			"Newest event time committed",
			"topic",
			"partition",
		),
		paused: gauge(
			"engine_partition_paused",
			"1 while Kafka is paused for the partition, whatever the reason",
			"topic",
			"partition",
		),
		pausedReason: gauge(
			"engine_partition_paused_reason",
			"1 for each reason for which the partition is paused now",
			"topic",
			"partition",
			"reason",
		),
		halted: gauge(
			"engine_partition_halted",
			"1 when the partition was stopped for good and waits for a person",
			"topic",
			"partition",
		),
		mailbox: gauge("engine_actor_mailbox_depth", "Slices posted to the actor and not yet folded", "actor"),
		busy: gauge(
			"engine_actor_busy_ratio",
			"Share of the time since the last scrape that the actor was folding",
			"actor",
		),
		inFlight: gauge("engine_in_flight_bytes", "Bytes on their way, by hop", "hop"),
		inFlightLimit: gauge("engine_in_flight_limit_bytes", "Bytes at which Kafka is paused, by hop", "hop"),
		lastFlushAt: gauge(
			"engine_last_flush_timestamp_seconds",
			"When the last set was committed; absent before the first",
		),
		flushQueue: gauge("engine_flush_queue_depth", "Frozen sets that wait for the writer"),
		flushFailing: gauge("engine_flush_consecutive_failures", "Failed transactions since the last commit"),
		openWindows: gauge("engine_open_windows", "Hours with deltas that are not committed"),
		oldestSnapshot: gauge(
			"engine_postgres_oldest_snapshot_seconds",
			"Age of the oldest transaction whose snapshot keeps dead rows from being cleaned; absent when none is seen",
		),
		invalidRatio: gauge(
			"engine_invalid_ratio",
			"Share of dead letters among the newest stored messages, 10,000 or a little more",
		),
		invalidRatioMax: gauge(
			"engine_invalid_ratio_limit",
			"INVALID_RATIO_MAX: above it the engine stops; judged once there are 10,000 messages",
		),
		backpressure: gauge(
			"engine_backpressure",
			"1 while any partition is paused because actors or Postgres are behind",
		),
		ready: gauge("engine_ready", "1 when /readyz says 200"),
		buildInfo: gauge("engine_build_info", "Always 1; which program this is", "version", "node"),
	};
}
