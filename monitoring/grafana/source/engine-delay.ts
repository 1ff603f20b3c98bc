/** Where is the delay? From Kafka through actors and commits to Postgres, in the order of an event's path. */
import type { Row } from "./dashboard.ts";
import { chart, table } from "./panel.ts";
import { OF_INSTANCE, OF_JOB, OF_PARTITION, OF_TOPIC, orNone, orZero } from "./select.ts";

export const DELAY: Row = {
	title: "Where is the delay?",
	panels: [
		chart({
			title: "Freshness by partition",
			description:
				"Age of the oldest event that is not in Postgres. One partition above the others: look at that one.",
			unit: "s",
			width: 8,
			alert: "EngineFreshnessHigh",
			alsoFor: ["EngineStalled"],
			queries: [
				{ legend: "{{topic}}, worst", expr: `topic:engine_consumer_lag_seconds:max{${OF_TOPIC}}` },
				{
					legend: "{{topic}} {{partition}}",
					expr: `max by (topic, partition) (engine_consumer_lag_seconds{${OF_PARTITION}})`,
				},
			],
		}),
		chart({
			title: "Events waiting by partition",
			description: "Records in Kafka that are not committed in Postgres.",
			unit: "locale",
			width: 8,
			alert: "EngineLagGrowing",
			queries: [
				{ legend: "{{topic}}, all", expr: `topic:engine_consumer_lag:sum{${OF_TOPIC}}` },
				{ legend: "{{topic}} {{partition}}", expr: `partition:engine_consumer_lag:max{${OF_TOPIC}}` },
			],
		}),
		chart({
			title: "Backlog grows by",
			description:
				"Events per second that come in beyond what is stored, over 15 minutes; below 0 it shrinks.",
			unit: "cps",
			width: 8,
			alert: ["EngineLagGrowing", 1],
			belowZero: true,
			queries: [{ legend: "{{topic}}", expr: `topic:engine_consumer_lag:deriv15m{${OF_TOPIC}}` }],
		}),

		chart({
			title: "From Kafka to Postgres",
			description:
				"Time from an event's Kafka timestamp to its commit, over 5 minutes. No value without events.",
			unit: "s",
			width: 8,
			queries: [
				{ legend: "half of them", expr: `job:engine_end_to_end_latency_seconds:p50_5m{${OF_JOB}}` },
				{ legend: "99 %", expr: `job:engine_end_to_end_latency_seconds:p99_5m{${OF_JOB}}` },
			],
		}),
		chart({
			title: "Partitions paused, by reason",
			description:
				"The reasons actors and flush are back-pressure; claim and recovery wait for Postgres, position for Kafka, suspect for a message that killed an actor.",
			unit: "none",
			width: 8,
			stacked: true,
			style: "bars",
			alsoFor: ["EngineStalled"],
			queries: [
				{
					legend: "{{reason}}",
					expr: orNone(`sum by (reason) (engine_partition_paused_reason{${OF_PARTITION}})`, "reason"),
				},
			],
		}),
		chart({
			title: "Bytes under way, of their limit",
			description:
				"At 100 % Kafka is paused. A full hop actors: the actors are behind. A full hop sets: Postgres is.",
			unit: "percentunit",
			width: 8,
			softMax: 1,
			queries: [
				{
					legend: "{{hop}} {{instance}}",
					expr: `engine_in_flight_bytes{${OF_INSTANCE}} / engine_in_flight_limit_bytes{${OF_INSTANCE}}`,
				},
			],
		}),

		chart({
			title: "Actors busy",
			description:
				"Share of the time that each actor was folding. All near 100 %: more cores help. One alone: a hot user.",
			unit: "percentunit",
			width: 8,
			softMax: 1,
			queries: [{ legend: "{{actor}} {{instance}}", expr: `engine_actor_busy_ratio{${OF_INSTANCE}}` }],
		}),
		chart({
			title: "Slices waiting for actors",
			description: "Slices posted to each actor and not yet folded.",
			unit: "none",
			width: 8,
			queries: [{ legend: "{{actor}} {{instance}}", expr: `engine_actor_mailbox_depth{${OF_INSTANCE}}` }],
		}),
		chart({
			title: "Main thread, time of a batch",
			description: "99 % of the batches were checked, packed and routed within this time.",
			unit: "s",
			width: 8,
			queries: [
				{
					legend: "{{instance}}",
					expr: `histogram_quantile(0.99, sum by (instance, le) (rate(engine_batch_process_seconds_bucket{${OF_INSTANCE}}[$__rate_interval])))`,
				},
			],
		}),

		chart({
			title: "Time of a commit, by step",
			description:
				"Mean over the commits: where Postgres spends it. lock: somebody else holds the offset rows.",
			unit: "s",
			width: 8,
			stacked: true,
			alsoFor: ["EngineFlushFailing"],
			queries: [
				{
					legend: "{{phase}}",
					expr: `sum by (phase) (rate(engine_flush_seconds_sum{${OF_INSTANCE}}[$__rate_interval])) / sum by (phase) (rate(engine_flush_seconds_count{${OF_INSTANCE}}[$__rate_interval]))`,
				},
			],
		}),
		chart({
			title: "Time of a commit, slowest",
			description: "99 % of the commits of the last 5 minutes took no longer.",
			unit: "s",
			width: 8,
			queries: [{ legend: "99 %", expr: `job:engine_flush_duration_seconds:p99_5m{${OF_JOB}}` }],
		}),
		chart({
			title: "Rows of a commit, commits per second",
			description: "Sets grow when commits are slow, which is how it keeps up.",
			unit: "locale",
			width: 8,
			overrides: { "commits per second": { unit: "cps", "custom.axisPlacement": "right" } },
			queries: [
				{
					legend: "rows",
					expr: `sum(rate(engine_flush_rows_sum{${OF_INSTANCE}}[$__rate_interval])) / sum(rate(engine_flush_rows_count{${OF_INSTANCE}}[$__rate_interval]))`,
				},
				{
					legend: "commits per second",
					expr: `sum(rate(engine_flush_rows_count{${OF_INSTANCE}}[$__rate_interval]))`,
				},
			],
		}),

		chart({
			title: "Sets that wait, hours that are open",
			description:
				"Frozen sets before the writer (0 or 1 is normal), and hours with something that is not committed.",
			unit: "none",
			width: 8,
			queries: [
				{ legend: "sets {{instance}}", expr: `engine_flush_queue_depth{${OF_INSTANCE}}` },
				{ legend: "hours {{instance}}", expr: `engine_open_windows{${OF_INSTANCE}}` },
			],
		}),
		chart({
			title: "Oldest snapshot in Postgres",
			description:
				"Age of the oldest open transaction that keeps dead rows from being cleaned; flushes become slower behind it.",
			unit: "s",
			width: 8,
			alert: "EngineOldestSnapshot",
			queries: [
				{
					legend: "oldest",
					expr: orZero(`max(job:engine_postgres_oldest_snapshot_seconds:max{${OF_JOB}})`),
				},
			],
		}),
		chart({
			title: "Behind the clock",
			description:
				"How old the newest event is that was stored (by its own time), and how old Kafka's answer is that lag is reckoned from.",
			unit: "s",
			width: 8,
			queries: [
				{
					legend: "newest event, {{topic}} {{partition}}",
					expr: `time() - max by (topic, partition) (engine_watermark_timestamp_seconds{${OF_PARTITION}})`,
				},
				{
					legend: "Kafka's answer, {{instance}}",
					expr: `time() - min by (instance) (engine_high_watermark_poll_timestamp_seconds{${OF_PARTITION}})`,
				},
			],
		}),

		table({
			title: "Partitions",
			description:
				"Now, the longest waiting first. A partition without an engine belongs to none that answers.",
			unit: "none",
			width: 24,
			alert: "EnginePartitionHalted",
			overrides: {
				"Waiting for": { unit: "s", decimals: 1 },
				Waiting: { unit: "locale" },
				Halted: {
					mappings: [
						{ type: "value", options: { 0: { text: "no", index: 0 }, 1: { text: "halted", index: 1 } } },
					],
					"custom.cellOptions": { type: "color-background" },
				},
				Paused: {
					mappings: [
						{ type: "value", options: { 0: { text: "no", index: 0 }, 1: { text: "paused", index: 1 } } },
					],
				},
			},
			sortBy: { displayName: "Waiting for", desc: true },
			queries: [
				{
					expr: `max by (topic, partition, instance) (engine_consumer_lag_seconds{${OF_PARTITION}})`,
				},
				{ expr: `max by (topic, partition) (engine_consumer_lag{${OF_PARTITION}})` },
				{
					expr: `max by (topic, partition) (engine_partition_durable_offset{${OF_PARTITION}})`,
				},
				{ expr: `max by (topic, partition) (engine_partition_paused{${OF_PARTITION}})` },
				{ expr: `partition:engine_partition_halted:max{${OF_TOPIC}}` },
			],
			joinBy: "partition",
			columns: [
				{ from: "partition", title: "Partition" },
				{ from: "instance", title: "Engine" },
				{ from: "Value #A", title: "Waiting for" },
				{ from: "Value #B", title: "Waiting" },
				{ from: "Value #C", title: "Stored up to" },
				{ from: "Value #D", title: "Paused" },
				{ from: "Value #E", title: "Halted" },
			],
		}),
	],
};
