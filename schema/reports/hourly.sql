-- The latest hours that have events, newest last.
--   psql -f schema/reports/hourly.sql                      the last 48
--   psql -v hours=24 -v zone=Europe/Berlin -f ...          others, shown in a time zone of your choice
\set ON_ERROR_STOP on
\set QUIET on
\if :{?hours}
\else
\set hours 48
\endif
\if :{?zone}
\else
\set zone UTC
\endif
\pset title 'Hourly business metrics'
SET TIME ZONE :'zone';

SELECT
	hour AS "Hour",
	total_revenue AS "Revenue",
	ticket_count AS "Tickets",
	avg_ticket_value AS "Avg ticket",
	total_payouts AS "Payouts",
	payout_events AS "Claims",
	payout_to_revenue_ratio AS "Payout ratio",
	active_users AS "Active users",
	new_sessions AS "New sessions",
	total_logins AS "Logins"
FROM (
	SELECT * FROM hourly_business_metrics ORDER BY hour DESC LIMIT :'hours'::bigint
) AS latest
ORDER BY hour;
