/** What does the business see? The newest 24 hours, and hour by hour. Sums and ratios come from the views. */
import type { Row } from "./dashboard.ts";
import { type Common, chart, stat, table } from "./panel.ts";

/** The newest hour in the chosen time range, with the 23 before it. */
function newest(column: string): Common["queries"] {
	return [
		{
			format: "table",
			sql: `SELECT ${column}
FROM rolling_24h_metrics
WHERE $__timeFilter(hour)
ORDER BY hour DESC
LIMIT 1`,
		},
	];
}

/** Hours of the chosen range as series, one for each column. */
export function hourly(columns: string, view = "hourly_business_metrics"): Common["queries"] {
	return [
		{
			format: "time_series",
			sql: `SELECT hour AS time, ${columns}
FROM ${view}
WHERE $__timeFilter(hour)
ORDER BY hour`,
		},
	];
}

const STAT = { width: 4, noValue: "no event" } as const;

export const DAY_NOW: Row = {
	title: "What does the business see? The newest 24 hours",
	panels: [
		stat({
			...STAT,
			title: "Revenue, 24 h",
			description: "Ticket purchases of the newest hour with events and of the 23 hours before it.",
			unit: "locale",
			decimals: 2,
			queries: newest('revenue_24h AS "Revenue"'),
		}),
		stat({
			...STAT,
			title: "Payouts, 24 h",
			description: "Claimed rewards of the same 24 hours.",
			unit: "locale",
			decimals: 2,
			queries: newest('payouts_24h AS "Payouts"'),
		}),
		stat({
			...STAT,
			title: "Paid out of the revenue, 24 h",
			description:
				"The limit is that of the alert, which counts by the time of storing; this is by the time of the events.",
			unit: "percentunit",
			decimals: 1,
			alert: "PayoutRatioHigh",
			noValue: "no revenue",
			queries: newest('round(payouts_24h / nullif(revenue_24h, 0), 4) AS "Ratio"'),
		}),
		stat({
			...STAT,
			title: "Tickets, 24 h",
			description: "Number of purchases in the same 24 hours.",
			unit: "locale",
			queries: newest('tickets_24h AS "Tickets"'),
		}),
		stat({
			...STAT,
			title: "Users, 24 h",
			description: "Distinct users with any event in the same 24 hours.",
			unit: "locale",
			queries: newest('active_users_24h AS "Users"'),
		}),
		stat({
			...STAT,
			title: "Newest hour",
			description: "Start of the newest hour with events in the chosen time range: where these 24 hours end.",
			unit: "dateTimeAsIso",
			queries: newest('(extract(epoch FROM hour) * 1000)::bigint AS "Hour"'),
		}),
	],
};

export const HOURS: Row = {
	title: "Hour by hour",
	panels: [
		chart({
			title: "Revenue and payouts, by hour",
			description: "By the time of the events, so that late ones correct their own hour.",
			unit: "locale",
			width: 12,
			style: "bars",
			queries: hourly('total_revenue AS "Revenue", total_payouts AS "Payouts"'),
		}),
		chart({
			title: "Paid out of the revenue, by hour",
			description:
				"No value for an hour without revenue. One hour above the line is luck, a day of them is a risk.",
			unit: "percentunit",
			width: 12,
			softMax: 1,
			alert: "PayoutRatioHigh",
			queries: hourly('payout_to_revenue_ratio AS "Paid out"'),
		}),
		chart({
			title: "Tickets, and the price of one, by hour",
			description: "Number of purchases, and the revenue for each (right axis).",
			unit: "locale",
			width: 12,
			overrides: { "Average ticket": { decimals: 2, "custom.axisPlacement": "right" } },
			queries: hourly('ticket_count AS "Tickets", avg_ticket_value AS "Average ticket"'),
		}),
		chart({
			title: "Users and sessions, by hour",
			description: "Distinct users with any event, distinct sessions that logged in, and logins.",
			unit: "locale",
			width: 12,
			queries: hourly('active_users AS "Users", new_sessions AS "Sessions", total_logins AS "Logins"'),
		}),
		table({
			title: "Hours",
			description:
				"Newest first. Last change: when the hour was last corrected; long after its end means late events.",
			unit: "locale",
			width: 24,
			noValue: "no event",
			overrides: {
				Hour: { unit: "dateTimeAsIso" },
				"Last change": { unit: "dateTimeAsIso" },
				Revenue: { decimals: 2 },
				Payouts: { decimals: 2 },
				"Average ticket": { decimals: 2 },
				"Paid out": { unit: "percentunit", decimals: 1 },
			},
			queries: [
				{
					format: "table",
					sql: `SELECT
	hour AS "Hour",
	total_revenue AS "Revenue",
	ticket_count AS "Tickets",
	avg_ticket_value AS "Average ticket",
	total_payouts AS "Payouts",
	payout_events AS "Claims",
	payout_to_revenue_ratio AS "Paid out",
	active_users AS "Users",
	new_sessions AS "Sessions",
	total_logins AS "Logins",
	updated_at AS "Last change"
FROM hourly_business_metrics
WHERE $__timeFilter(hour)
ORDER BY hour DESC
LIMIT 1000`,
				},
			],
		}),
	],
};
