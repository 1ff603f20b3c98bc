-- The latest hours that have events, each with the 24 hours that end with it.
--   psql -f schema/reports/rolling.sql                     the last 48
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
\pset title 'Rolling 24 hours'
SET TIME ZONE :'zone';

SELECT
	hour AS "Hour",
	total_revenue AS "Revenue",
	avg_24h_revenue AS "Avg revenue 24h",
	avg_24h_users AS "Avg users 24h",
	revenue_24h AS "Revenue 24h",
	payouts_24h AS "Payouts 24h",
	tickets_24h AS "Tickets 24h",
	active_users_24h AS "Active users 24h"
FROM (
	SELECT * FROM rolling_24h_metrics ORDER BY hour DESC LIMIT :'hours'::bigint
) AS latest
ORDER BY hour;
