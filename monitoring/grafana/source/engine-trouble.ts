/** What is bad? Refused and late events, and what had to be done again. */
import type { Row } from "./dashboard.ts";
import { chart } from "./panel.ts";
import { OF_INSTANCE, OF_JOB, orNone, orZero } from "./select.ts";

/** Increments of a counter, by one label, of those that moved at all. */
function moved(counter: string, label: string): string {
	return orNone(`sum by (${label}) (increase(${counter}{${OF_INSTANCE}}[$__rate_interval])) > 0`, label);
}

export const TROUBLE: Row = {
	title: "What is bad?",
	panels: [
		chart({
			title: "Share refused",
			description:
				"Dead letters among the events of 5 minutes: what they should have counted is missing from the metrics.",
			unit: "percentunit",
			width: 8,
			alert: "EngineDeadLetterRate",
			queries: [{ legend: "refused", expr: orZero(`max(job:engine_dead_letters:ratio_rate5m{${OF_JOB}})`) }],
		}),
		chart({
			title: "Refused, by reason",
			description:
				"Dead letters as they are written. The report dead-letters and the dashboard Business show samples.",
			unit: "locale",
			width: 8,
			style: "bars",
			stacked: true,
			alsoFor: ["EngineDeadLetterRate"],
			queries: [{ legend: "{{reason}}", expr: moved("engine_dlq_records_total", "reason") }],
		}),
		chart({
			title: "Refused, of the newest 10,000",
			description:
				"Above the limit (INVALID_RATIO_MAX) the engine stops, for then the topic holds something else than events.",
			unit: "percentunit",
			width: 8,
			queries: [
				{ legend: "refused", expr: `max(engine_invalid_ratio{${OF_INSTANCE}})` },
				{ legend: "limit", expr: `max(engine_invalid_ratio_limit{${OF_INSTANCE}})` },
			],
		}),

		chart({
			title: "Share late",
			description:
				"Events more than an hour older than their Kafka record: hours change after they were read.",
			unit: "percentunit",
			width: 8,
			alert: "EngineLateEvents",
			queries: [{ legend: "late", expr: orZero(`max(job:engine_events_late:ratio_rate15m{${OF_JOB}})`) }],
		}),
		chart({
			title: "Late, by age",
			description: "Each late event once, under the greatest age that it reached.",
			unit: "locale",
			width: 8,
			style: "bars",
			stacked: true,
			queries: [{ legend: "{{age}}", expr: moved("engine_events_late_total", "age") }],
		}),
		chart({
			title: "Paid out of the revenue of 24 h",
			description: "By the time of storing; the dashboard Business shows it by the time of the events.",
			unit: "percentunit",
			width: 8,
			alert: "PayoutRatioHigh",
			queries: [{ legend: "paid out", expr: orZero(`max(job:engine_payout:ratio24h{${OF_JOB}})`) }],
		}),

		chart({
			title: "Recoveries, by reason",
			description:
				"Times that everything uncommitted was dropped and read again. Nothing is lost by it but time.",
			unit: "none",
			width: 8,
			style: "bars",
			stacked: true,
			queries: [{ legend: "{{reason}}", expr: moved("engine_recoveries_total", "reason") }],
		}),
		chart({
			title: "Failed commits, by code",
			description:
				"SQLSTATE, or the error of a lost connection. 57P01: Postgres was told to stop; 53100: its disk is full.",
			unit: "none",
			width: 8,
			style: "bars",
			stacked: true,
			alsoFor: ["EngineFlushFailing"],
			queries: [{ legend: "{{code}}", expr: moved("engine_flush_failures_total", "code") }],
		}),
		chart({
			title: "Consumers built anew, by reason",
			description:
				"Times that a connection to Kafka was thrown away because it crashed, was silent or lost its position.",
			unit: "none",
			width: 8,
			style: "bars",
			stacked: true,
			alsoFor: ["EngineStalled"],
			queries: [{ legend: "{{reason}}", expr: moved("engine_consumer_rebuilds_total", "reason") }],
		}),

		chart({
			title: "Partitions shared out, in 10 min",
			description: "Assignments that one engine got from the consumer group. A start makes one or two.",
			unit: "none",
			width: 8,
			alert: "EngineRebalanceStorm",
			queries: [{ legend: "assignments", expr: `max(job:engine_rebalances:increase10m{${OF_JOB}})` }],
		}),
		chart({
			title: "Actors lost, in 15 min",
			description: "Threads that died or were silent, and were started again.",
			unit: "none",
			width: 8,
			alert: "EngineActorRestarting",
			queries: [{ legend: "lost", expr: `sum(job:engine_actor_restarts:increase15m{${OF_JOB}})` }],
		}),
		chart({
			title: "Offsets without a record",
			description: "Offsets that were skipped: transaction markers, aborted and compacted records.",
			unit: "locale",
			width: 8,
			style: "bars",
			stacked: true,
			queries: [{ legend: "partition {{partition}}", expr: moved("engine_offset_gaps_total", "partition") }],
		}),
	],
};
