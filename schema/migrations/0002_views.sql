-- What analysts read. Sums are stored, averages and ratios are computed here: a stored ratio overflows its type one day.
-- Hours and days are UTC. No view sorts: a sort inside would be paid for by every reader. ORDER BY hour where it matters.

CREATE VIEW hourly_business_metrics AS
SELECT
	hour,
	revenue AS total_revenue,
	ticket_count,
	CASE WHEN ticket_count = 0 THEN 0.00 ELSE round(revenue / ticket_count, 2) END AS avg_ticket_value,
	payouts AS total_payouts,
	payout_events,
	round(payouts / nullif(revenue, 0), 4) AS payout_to_revenue_ratio,
	active_users,
	new_sessions,
	logins AS total_logins,
	updated_at
FROM hourly_totals
WHERE events > 0;

COMMENT ON VIEW hourly_business_metrics IS 'One row per UTC hour with at least one event';
COMMENT ON COLUMN hourly_business_metrics.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_business_metrics.total_revenue IS 'Sum of ticket purchases';
COMMENT ON COLUMN hourly_business_metrics.ticket_count IS 'Number of ticket purchases';
COMMENT ON COLUMN hourly_business_metrics.avg_ticket_value IS 'Revenue per ticket, rounded to 2 decimals; 0 without tickets';
COMMENT ON COLUMN hourly_business_metrics.total_payouts IS 'Sum of claimed rewards';
COMMENT ON COLUMN hourly_business_metrics.payout_events IS 'Number of claimed rewards';
COMMENT ON COLUMN hourly_business_metrics.payout_to_revenue_ratio IS 'Payouts divided by revenue, rounded to 4 decimals; null when there is no revenue';
COMMENT ON COLUMN hourly_business_metrics.active_users IS 'Distinct users with any event in the hour';
COMMENT ON COLUMN hourly_business_metrics.new_sessions IS 'Distinct sessions that logged in within the hour';
COMMENT ON COLUMN hourly_business_metrics.total_logins IS 'Number of logins';
COMMENT ON COLUMN hourly_business_metrics.updated_at IS 'Start of the transaction that last changed the hour';

-- RANGE, not ROWS: with hours missing, 24 rows reach further back than 24 hours. The hour itself and the 23 before it
-- are 24 hours. Distinct users are counted row by row over the primary key of hourly_users, and as an expression of the
-- outermost SELECT: whoever does not ask for the column, or asks for the newest rows only, does not pay for the rest.
CREATE VIEW rolling_24h_metrics AS
SELECT
	w.hour,
	w.total_revenue,
	w.avg_24h_revenue,
	w.avg_24h_users,
	w.revenue_24h,
	w.payouts_24h,
	w.tickets_24h,
	(
		SELECT count(DISTINCT u.user_id)
		FROM hourly_users AS u
		WHERE u.hour > w.hour - interval '24 hours' AND u.hour <= w.hour
	) AS active_users_24h
FROM (
	SELECT
		hour,
		revenue AS total_revenue,
		round(avg(revenue) OVER day, 2) AS avg_24h_revenue,
		round(avg(active_users) OVER day, 2) AS avg_24h_users,
		(sum(revenue) OVER day)::numeric(26, 2) AS revenue_24h,
		(sum(payouts) OVER day)::numeric(26, 2) AS payouts_24h,
		(sum(ticket_count) OVER day)::bigint AS tickets_24h
	FROM hourly_totals
	WHERE events > 0
	WINDOW day AS (ORDER BY hour RANGE BETWEEN interval '23 hours' PRECEDING AND CURRENT ROW)
) AS w;

COMMENT ON VIEW rolling_24h_metrics IS 'For each hour with events: that hour and the 23 hours before it';
COMMENT ON COLUMN rolling_24h_metrics.hour IS 'Start of the last of the 24 hours';
COMMENT ON COLUMN rolling_24h_metrics.total_revenue IS 'Revenue of this hour alone';
COMMENT ON COLUMN rolling_24h_metrics.avg_24h_revenue IS 'Mean hourly revenue over the hours with events, rounded to 2 decimals';
COMMENT ON COLUMN rolling_24h_metrics.avg_24h_users IS 'Mean of the hourly distinct users over the hours with events, rounded to 2 decimals';
COMMENT ON COLUMN rolling_24h_metrics.revenue_24h IS 'Revenue of the 24 hours';
COMMENT ON COLUMN rolling_24h_metrics.payouts_24h IS 'Payouts of the 24 hours';
COMMENT ON COLUMN rolling_24h_metrics.tickets_24h IS 'Tickets of the 24 hours';
COMMENT ON COLUMN rolling_24h_metrics.active_users_24h IS 'Distinct users of the 24 hours';

CREATE VIEW daily_event_summary AS
SELECT
	d.date,
	d.total_revenue,
	d.total_payouts,
	d.ticket_count,
	d.payout_events,
	d.total_logins,
	(
		SELECT count(DISTINCT u.user_id)
		FROM hourly_users AS u
		WHERE u.hour >= d.date::timestamp AT TIME ZONE 'UTC'
			AND u.hour < (d.date + 1)::timestamp AT TIME ZONE 'UTC'
	) AS active_users,
	d.avg_revenue,
	d.avg_users,
	d.sample_size
FROM (
	SELECT
		(hour AT TIME ZONE 'UTC')::date AS date,
		sum(revenue)::numeric(26, 2) AS total_revenue,
		sum(payouts)::numeric(26, 2) AS total_payouts,
		sum(ticket_count)::bigint AS ticket_count,
		sum(payout_events)::bigint AS payout_events,
		sum(logins)::bigint AS total_logins,
		round(avg(revenue), 2) AS avg_revenue,
		round(avg(active_users), 2) AS avg_users,
		count(*) AS sample_size
	FROM hourly_totals
	WHERE events > 0
	GROUP BY (hour AT TIME ZONE 'UTC')::date
) AS d;

COMMENT ON VIEW daily_event_summary IS 'One row per UTC day with at least one event';
COMMENT ON COLUMN daily_event_summary.date IS 'The day, UTC';
COMMENT ON COLUMN daily_event_summary.total_revenue IS 'Sum of ticket purchases';
COMMENT ON COLUMN daily_event_summary.total_payouts IS 'Sum of claimed rewards';
COMMENT ON COLUMN daily_event_summary.ticket_count IS 'Number of ticket purchases';
COMMENT ON COLUMN daily_event_summary.payout_events IS 'Number of claimed rewards';
COMMENT ON COLUMN daily_event_summary.total_logins IS 'Number of logins';
COMMENT ON COLUMN daily_event_summary.active_users IS 'Distinct users of the day; a user of many hours counts once';
COMMENT ON COLUMN daily_event_summary.avg_revenue IS 'Mean hourly revenue over the hours with events, rounded to 2 decimals';
COMMENT ON COLUMN daily_event_summary.avg_users IS 'Mean of the hourly distinct users over the hours with events, rounded to 2 decimals';
COMMENT ON COLUMN daily_event_summary.sample_size IS 'Number of hours with events';
