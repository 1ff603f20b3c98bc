-- The latest days that have events. In UTC these are the rows of daily_event_summary.
--   psql -f schema/reports/daily.sql                       the last 30 days, UTC
--   psql -v days=7 -v zone=Asia/Kolkata -f ...             days as they begin and end in that zone
-- What is stored is whole UTC hours: where a zone is off by half an hour, an hour belongs to the day it begins in.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?days}
\else
\set days 30
\endif
\if :{?zone}
\else
\set zone UTC
\endif
\pset title 'Daily summary'

SELECT
	d.date AS "Date",
	d.total_revenue AS "Revenue",
	d.total_payouts AS "Payouts",
	d.ticket_count AS "Tickets",
	d.payout_events AS "Claims",
	d.total_logins AS "Logins",
	(
		SELECT coalesce(sum(bit_count(b.bits)), 0)::bigint
		FROM (
			SELECT bit_or(u.bits) AS bits
			FROM hourly_user_blocks AS u
			WHERE u.hour >= d.first_hour AND u.hour <= d.last_hour
			GROUP BY u.block
		) AS b
	) AS "Active users",
	d.avg_revenue AS "Avg revenue per hour",
	d.avg_users AS "Avg users per hour",
	d.sample_size AS "Hours"
FROM (
	SELECT
		(hour AT TIME ZONE :'zone')::date AS date,
		min(hour) AS first_hour,
		max(hour) AS last_hour,
		sum(total_revenue) AS total_revenue,
		sum(total_payouts) AS total_payouts,
		sum(ticket_count) AS ticket_count,
		sum(payout_events) AS payout_events,
		sum(total_logins) AS total_logins,
		round(avg(total_revenue), 2) AS avg_revenue,
		round(avg(active_users), 2) AS avg_users,
		count(*) AS sample_size
	FROM hourly_business_metrics
	GROUP BY 1
	ORDER BY 1 DESC
	LIMIT :'days'::bigint
) AS d
ORDER BY d.date;
