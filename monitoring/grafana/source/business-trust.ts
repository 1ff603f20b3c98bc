/** Can the figures be trusted? What is missing from them, what changed late, and what looks wrong. */
import { ALERTS } from "../../thresholds.ts";
import type { Row } from "./dashboard.ts";
import { chart, stat, table } from "./panel.ts";

const RATIO_MAX = ALERTS.PayoutRatioHigh.conditions[0].value;

/** An hour is final when the events of its last minutes are stored; half an hour is patience. */
const LATE_AFTER = "interval '90 minutes'";

export const TRUST: Row = {
	title: "Can the figures be trusted?",
	panels: [
		stat({
			title: "Last commit",
			description: "Time since anything was stored. Compare it with the dashboard Engine when it is long.",
			unit: "s",
			decimals: 0,
			width: 8,
			noValue: "nothing stored",
			queries: [
				{
					format: "table",
					sql: `SELECT extract(epoch FROM now() - max(updated_at)) AS "Last commit"
FROM source_offsets`,
				},
			],
		}),
		stat({
			title: "Refused, of all that was read",
			description:
				"Share of records that are no valid events, since counting began: they are missing from every figure.",
			unit: "percentunit",
			decimals: 3,
			width: 8,
			alsoFor: ["EngineDeadLetterRate"],
			queries: [
				{
					format: "table",
					sql: `SELECT coalesce(sum(dead_letter_count) / nullif(sum(stored_count + dead_letter_count), 0), 0) AS "Refused"
FROM source_offsets`,
				},
			],
		}),
		stat({
			title: "Hours that changed late",
			description:
				"Hours of the chosen range that changed more than half an hour after their end: whoever read them before has other figures.",
			unit: "none",
			width: 8,
			alsoFor: ["EngineLateEvents"],
			queries: [
				{
					format: "table",
					sql: `SELECT count(*) AS "Hours"
FROM hourly_business_metrics
WHERE $__timeFilter(hour) AND updated_at > hour + ${LATE_AFTER}`,
				},
			],
		}),
		chart({
			title: "Refused by hour, by reason",
			description:
				"Dead letters by the hour of storing. What was discarded or replayed since is gone from here.",
			unit: "locale",
			width: 12,
			style: "bars",
			stacked: true,
			noValue: "none",
			alsoFor: ["EngineDeadLetterRate"],
			queries: [
				{
					format: "time_series",
					sql: `SELECT date_trunc('hour', created_at) AS time, reason AS metric, count(*) AS refused
FROM dead_letters
WHERE $__timeFilter(created_at)
GROUP BY 1, 2
ORDER BY 1, 2`,
				},
			],
		}),
		table({
			title: "Hours with too much paid out",
			description: `Payouts above ${RATIO_MAX} of the revenue, or without any, the worst first; beside it the 24 hours up to then, which tell a bad hour from a bad day.`,
			unit: "locale",
			width: 12,
			noValue: "none",
			alsoFor: ["PayoutRatioHigh"],
			overrides: {
				Hour: { unit: "dateTimeAsIso" },
				"Paid out": { unit: "percentunit", decimals: 1 },
				"Paid out, 24 h": { unit: "percentunit", decimals: 1 },
			},
			queries: [
				{
					format: "table",
					sql: `SELECT
	h.hour AS "Hour",
	h.total_revenue AS "Revenue",
	h.total_payouts AS "Payouts",
	h.payout_to_revenue_ratio AS "Paid out",
	round(r.payouts_24h / nullif(r.revenue_24h, 0), 4) AS "Paid out, 24 h"
FROM hourly_business_metrics AS h
JOIN rolling_24h_metrics AS r ON r.hour = h.hour
WHERE $__timeFilter(h.hour) AND h.total_payouts > h.total_revenue * ${RATIO_MAX}
ORDER BY h.total_revenue - h.total_payouts, h.hour
LIMIT 100`,
				},
			],
		}),
		table({
			title: "Latest dead letters",
			description:
				"Newest first, with the start of the original bytes. `node engine report dead-letters` has all of them.",
			unit: "none",
			width: 16,
			noValue: "none",
			alsoFor: ["EngineDeadLetterRate"],
			overrides: { "Stored at": { unit: "dateTimeAsIso" } },
			queries: [
				{
					format: "table",
					sql: `SELECT
	created_at AS "Stored at",
	reason AS "Reason",
	pointer AS "Field",
	detail AS "Detail",
	kafka_partition AS "Partition",
	kafka_offset AS "Offset",
	encode(substring(value FROM 1 FOR 80), 'escape') AS "Value starts"
FROM dead_letters
WHERE $__timeFilter(created_at)
ORDER BY created_at DESC, kafka_partition, kafka_offset DESC
LIMIT 100`,
				},
			],
		}),
		table({
			title: "How far it is counted",
			description: "By partition: the newest event that was stored, and when.",
			unit: "locale",
			width: 8,
			noValue: "nothing stored",
			overrides: { "Newest event": { unit: "dateTimeAsIso" }, "Last commit": { unit: "dateTimeAsIso" } },
			queries: [
				{
					format: "table",
					sql: `SELECT
	kafka_partition AS "Partition",
	stored_count AS "Stored",
	dead_letter_count AS "Refused",
	newest_event_time AS "Newest event",
	updated_at AS "Last commit"
FROM source_offsets
ORDER BY topic, kafka_partition`,
				},
			],
		}),
	],
};
