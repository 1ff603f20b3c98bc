-- What became of every record: stored, or a dead letter of which kind. The shares add up to 100 %.
--   psql -f schema/reports/quality.sql
-- "Stored" is counted by the offset rows. Dead letters are those still in the table: what was discarded or replayed
-- since is the difference to their count in the report "lag".
\set ON_ERROR_STOP on
\set QUIET on
\if :{?zone}
\else
\set zone UTC
\endif
\pset title 'Quality of the input'
SET TIME ZONE :'zone';

WITH counted AS (
	SELECT 'stored' AS outcome, NULL AS stage, NULL AS reason, coalesce(sum(stored_count), 0) AS records,
		NULL::timestamptz AS first_at, max(updated_at) AS last_at
	FROM source_offsets
	UNION ALL
	SELECT 'dead letter', stage, reason, count(*), min(created_at), max(created_at)
	FROM dead_letters
	GROUP BY stage, reason
)
SELECT
	outcome AS "Outcome",
	stage AS "Stage",
	reason AS "Reason",
	records AS "Records",
	round(100 * records / nullif(sum(records) OVER (), 0), 4) AS "Share %",
	date_trunc('second', first_at) AS "First",
	date_trunc('second', last_at) AS "Last"
FROM counted
ORDER BY outcome DESC, records DESC, stage, reason;
