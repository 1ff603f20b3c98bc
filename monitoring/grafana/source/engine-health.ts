/** Is it healthy? One look, in the colours of the alerts. */
import type { Row } from "./dashboard.ts";
import { chart, stat, table } from "./panel.ts";
import { OF_INSTANCE, OF_JOB, OF_TOPIC, orZero } from "./select.ts";

/** Alerts of ours; the source may have others'. */
const OUR_ALERTS = 'alertname=~"Engine.+|PayoutRatioHigh"';

export const HEALTH: Row = {
	title: "Is it healthy?",
	panels: [
		stat({
			title: "Engines that answer",
			description: "How many engines Prometheus has reached at its last try.",
			unit: "none",
			width: 4,
			alert: "EngineDown",
			queries: [{ expr: `sum(job:engine_up:sum{${OF_JOB}}) or vector(0)` }],
		}),
		stat({
			title: "Ready",
			description:
				"Whether every engine reaches Kafka and Postgres well enough to store everything (/readyz).",
			unit: "none",
			width: 4,
			alert: "EngineNotReady",
			texts: { 0: "not ready", 1: "ready" },
			queries: [{ expr: `min(engine_ready{${OF_INSTANCE}})` }],
		}),
		stat({
			title: "Freshness",
			description: "Age of the oldest event that is not in Postgres; 0 when nothing waits.",
			unit: "s",
			width: 4,
			alert: "EngineFreshnessHigh",
			queries: [{ expr: `max(topic:engine_consumer_lag_seconds:max{${OF_TOPIC}})` }],
		}),
		stat({
			title: "Stored per second",
			description: "Events committed to Postgres.",
			unit: "cps",
			width: 4,
			queries: [{ expr: `sum(rate(engine_events_processed_total{${OF_INSTANCE}}[$__rate_interval]))` }],
		}),
		stat({
			title: "Events waiting",
			description: "Records in Kafka that are not committed in Postgres.",
			unit: "locale",
			width: 4,
			alert: "EngineLagGrowing",
			queries: [{ expr: `sum(topic:engine_consumer_lag:sum{${OF_TOPIC}})` }],
		}),
		stat({
			title: "Refused",
			description: "Share of dead letters among the events of the last 5 minutes.",
			unit: "percentunit",
			decimals: 2,
			width: 4,
			alert: "EngineDeadLetterRate",
			queries: [{ expr: orZero(`max(job:engine_dead_letters:ratio_rate5m{${OF_JOB}})`) }],
		}),

		stat({
			title: "Unstored for",
			description:
				"Time since the last commit while something waits, of the worst engine; 0 when nothing waits.",
			unit: "s",
			decimals: 0,
			width: 4,
			alert: ["EngineFlushFailing", 1],
			noValue: "no commit yet",
			queries: [
				{
					expr: `max(instance:engine_flush_age_seconds:max{${OF_INSTANCE}} * on (job, instance) (instance:engine_consumer_lag:sum{${OF_INSTANCE}} > bool 0))`,
				},
			],
		}),
		stat({
			title: "Failed commits in a row",
			description: "Transactions that failed since the last commit, of the worst engine.",
			unit: "none",
			width: 4,
			alert: "EngineFlushFailing",
			queries: [{ expr: `max(instance:engine_flush_consecutive_failures:max{${OF_INSTANCE}})` }],
		}),
		stat({
			title: "Partitions that stand still",
			description:
				"Partitions with something waiting of which nothing was stored for two minutes. Halted ones are apart.",
			unit: "none",
			width: 4,
			alert: "EngineStalled",
			queries: [
				{
					expr: orZero(
						`count((partition:engine_consumer_lag:min2m{${OF_TOPIC}} > 0 and partition:engine_partition_durable_offset:changes2m{${OF_TOPIC}} == 0) unless partition:engine_partition_halted:max{${OF_TOPIC}} == 1)`,
					),
				},
			],
		}),
		stat({
			title: "Halted partitions",
			description: "Partitions that were stopped for good and wait for a person.",
			unit: "none",
			width: 4,
			alert: "EnginePartitionHalted",
			queries: [{ expr: `sum(partition:engine_partition_halted:max{${OF_TOPIC}})` }],
		}),
		stat({
			title: "Read per second, 5 min",
			description: "Events that came out of Kafka. None during a business day (6 to 22 h UTC) is suspicious.",
			unit: "cps",
			width: 4,
			alert: "EngineNoEvents",
			queries: [{ expr: `sum(job:engine_events_consumed:rate5m{${OF_JOB}})` }],
		}),
		stat({
			title: "Back-pressure",
			description:
				"Whether an engine has paused Kafka because actors or Postgres are behind: normal while it catches up.",
			unit: "none",
			width: 4,
			texts: { 0: "none", 1: "paused" },
			queries: [{ expr: `max(engine_backpressure{${OF_INSTANCE}})` }],
		}),

		table({
			title: "Alerts, pending and firing",
			description: "What Prometheus has raised now, of all engines; one row that says none when all is well.",
			unit: "none",
			width: 12,
			overrides: { Alert: { "custom.width": 220 } },
			queries: [
				{
					expr: `ALERTS{${OUR_ALERTS}, ${OF_JOB}} or on () label_replace(vector(0), "alertname", "none", "", "")`,
				},
			],
			columns: [
				{ from: "alertname", title: "Alert" },
				{ from: "alertstate", title: "State" },
				{ from: "severity", title: "Severity" },
				{ from: "instance", title: "Engine" },
				{ from: "topic", title: "Topic" },
				{ from: "partition", title: "Partition" },
			],
		}),
		table({
			title: "Engines",
			description:
				"Every engine that Prometheus knows: whether it answers, since when it runs, and which program it is.",
			unit: "none",
			width: 12,
			alert: ["EngineInstanceDown", 0],
			overrides: {
				Answers: {
					mappings: [
						{ type: "value", options: { 0: { text: "no", index: 0 }, 1: { text: "yes", index: 1 } } },
					],
					"custom.cellOptions": { type: "color-background" },
				},
				Runs: { unit: "s", decimals: 0 },
			},
			queries: [
				{ expr: `up{${OF_JOB}}` },
				{ expr: `time() - process_start_time_seconds{${OF_INSTANCE}}` },
				{ expr: `engine_build_info{${OF_INSTANCE}}` },
			],
			joinBy: "instance",
			columns: [
				{ from: "instance", title: "Engine" },
				{ from: "Value #A", title: "Answers" },
				{ from: "Value #B", title: "Runs" },
				{ from: "version", title: "Version" },
				{ from: "node", title: "Node" },
			],
		}),
		chart({
			title: "In and out",
			description:
				"What comes out of Kafka, and what of it is stored or refused. Read more than stored: it catches up, or it replays.",
			unit: "cps",
			width: 24,
			queries: [
				{ legend: "read", expr: `sum(rate(engine_events_consumed_total{${OF_INSTANCE}}[$__rate_interval]))` },
				{
					legend: "stored",
					expr: `sum(rate(engine_events_processed_total{${OF_INSTANCE}}[$__rate_interval]))`,
				},
				{
					legend: "refused",
					expr: `sum(rate(events_received_total{${OF_INSTANCE}, status="failure"}[$__rate_interval]))`,
				},
			],
		}),
	],
};
