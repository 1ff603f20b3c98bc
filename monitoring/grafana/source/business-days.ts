/** The rolling view, and days that begin where the business says. */
import { hourly } from "./business-now.ts";
import type { Row } from "./dashboard.ts";
import { bars, type Common, chart, table } from "./panel.ts";

export const ROLLING: Row = {
	title: "Rolling 24 hours",
	panels: [
		chart({
			title: "Revenue and payouts of 24 hours",
			description: "For each hour: that hour and the 23 before it.",
			unit: "locale",
			width: 8,
			queries: hourly('revenue_24h AS "Revenue", payouts_24h AS "Payouts"', "rolling_24h_metrics"),
		}),
		chart({
			title: "Paid out of the revenue of 24 hours",
			description: "The same limit as the alert, by the time of the events.",
			unit: "percentunit",
			width: 8,
			softMax: 1,
			alert: "PayoutRatioHigh",
			queries: hourly('round(payouts_24h / nullif(revenue_24h, 0), 4) AS "Paid out"', "rolling_24h_metrics"),
		}),
		chart({
			title: "Means of 24 hours",
			description:
				"Hourly revenue and hourly users, over the hours with events; tickets are the sum (right axis).",
			unit: "locale",
			width: 8,
			overrides: { "Tickets, sum": { "custom.axisPlacement": "right" } },
			queries: hourly(
				'avg_24h_revenue AS "Revenue per hour", avg_24h_users AS "Users per hour", tickets_24h AS "Tickets, sum"',
				"rolling_24h_metrics",
			),
		}),
	],
};

/**
 * Days of the zone, whole ones: that in which the time range begins counts from its first hour. The same figures as
 * schema/reports/daily.sql. Where a zone is off by half an hour, an hour belongs to the day it begins in.
 */
function daily(columns: string, order: "ASC" | "DESC" = "ASC"): Common["queries"] {
	return [
		{
			format: "table",
			sql: `SELECT ${columns}
FROM (
	SELECT
		(hour AT TIME ZONE \${zone:sqlstring})::date AS date,
		min(hour) AS first_hour,
		max(hour) AS last_hour,
		sum(total_revenue) AS revenue,
		sum(total_payouts) AS payouts,
		sum(ticket_count) AS tickets,
		sum(payout_events) AS claims,
		sum(total_logins) AS logins,
		round(avg(total_revenue), 2) AS revenue_per_hour,
		count(*) AS hours
	FROM hourly_business_metrics
	WHERE hour >= date_trunc('day', $__timeFrom()::timestamptz AT TIME ZONE \${zone:sqlstring}) AT TIME ZONE \${zone:sqlstring}
		AND hour <= $__timeTo()::timestamptz
	GROUP BY 1
) AS d
ORDER BY d.date ${order}`,
		},
	];
}

/** Distinct over the day: a user of many hours counts once. */
const USERS = `(
		SELECT coalesce(sum(bit_count(b.bits)), 0)::bigint
		FROM (
			SELECT bit_or(u.bits) AS bits
			FROM hourly_user_blocks AS u
			WHERE u.hour >= d.first_hour AND u.hour <= d.last_hour
			GROUP BY u.block
		) AS b
	)`;

export const DAYS: Row = {
	title: "Day by day, in the chosen zone",
	panels: [
		bars({
			title: "Revenue and payouts, by day",
			description: "Days begin at midnight of the zone chosen above.",
			unit: "locale",
			width: 12,
			by: "Day",
			noValue: "no event",
			queries: daily('d.date::text AS "Day", d.revenue AS "Revenue", d.payouts AS "Payouts"'),
		}),
		bars({
			title: "Tickets and users, by day",
			description: "Distinct users of the whole day.",
			unit: "locale",
			width: 12,
			by: "Day",
			noValue: "no event",
			queries: daily(`d.date::text AS "Day",
	d.tickets AS "Tickets",
	${USERS} AS "Users"`),
		}),
		table({
			title: "Days",
			description: "Newest first, with how many hours of the day had events.",
			unit: "locale",
			width: 24,
			noValue: "no event",
			overrides: {
				Revenue: { decimals: 2 },
				Payouts: { decimals: 2 },
				"Revenue per hour": { decimals: 2 },
				"Paid out": { unit: "percentunit", decimals: 1 },
			},
			queries: daily(
				`d.date::text AS "Day",
	d.revenue AS "Revenue",
	d.payouts AS "Payouts",
	round(d.payouts / nullif(d.revenue, 0), 4) AS "Paid out",
	d.tickets AS "Tickets",
	d.claims AS "Claims",
	${USERS} AS "Users",
	d.logins AS "Logins",
	d.revenue_per_hour AS "Revenue per hour",
	d.hours AS "Hours"`,
				"DESC",
			),
		}),
	],
};
