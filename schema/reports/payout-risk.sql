-- Hours in which more is paid out than the business can bear, worst first: payouts above a share of the revenue, or
-- without any revenue. Beside it the 24 hours up to then, which tell a bad hour from a bad day.
--   psql -f schema/reports/payout-risk.sql                        of the latest 720 hours, those above 0.8
--   psql -v ratio=1 -v hours=48 -v zone=Europe/Berlin -f ...      others
\set ON_ERROR_STOP on
\set QUIET on
\if :{?hours}
\else
\set hours 720
\endif
\if :{?ratio}
\else
\set ratio 0.8
\endif
\if :{?zone}
\else
\set zone UTC
\endif
\pset title 'Payout risk'
SET TIME ZONE :'zone';

SELECT
	h.hour AS "Hour",
	CASE
		WHEN h.total_revenue = 0 THEN 'payouts without revenue'
		WHEN h.total_payouts > h.total_revenue THEN 'payouts above revenue'
		ELSE 'payouts above ratio'
	END AS "Risk",
	h.total_revenue AS "Revenue",
	h.total_payouts AS "Payouts",
	h.total_revenue - h.total_payouts AS "Net",
	h.payout_to_revenue_ratio AS "Payout ratio",
	h.payout_events AS "Claims",
	r.revenue_24h AS "Revenue 24h",
	r.payouts_24h AS "Payouts 24h",
	round(r.payouts_24h / nullif(r.revenue_24h, 0), 4) AS "Payout ratio 24h"
FROM (
	SELECT * FROM hourly_business_metrics ORDER BY hour DESC LIMIT :'hours'::bigint
) AS h
JOIN rolling_24h_metrics AS r ON r.hour = h.hour
WHERE h.total_payouts > h.total_revenue * :'ratio'::numeric
ORDER BY h.total_revenue - h.total_payouts, h.hour;
