-- How far each partition is counted, and how old the newest record in it is.
--   psql -f schema/reports/lag.sql
-- How much Kafka still holds behind these offsets is not known to Postgres: see engine_consumer_lag of /metrics.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?zone}
\else
\set zone UTC
\endif
\pset title 'Progress by partition'
SET TIME ZONE :'zone';

SELECT
	topic AS "Topic",
	kafka_partition AS "Partition",
	start_offset AS "Start offset",
	next_offset AS "Next offset",
	stored_count AS "Stored",
	dead_letter_count AS "Dead letters",
	gap_count AS "Gaps",
	epoch AS "Epoch",
	owner AS "Claimed by",
	date_trunc('second', newest_event_time) AS "Newest event",
	-- A timestamp that no calendar holds is Kafka's business, not a reason to fail.
	CASE WHEN last_record_timestamp BETWEEN 0 AND 253402300799999
		THEN round(extract(epoch FROM now())::numeric - last_record_timestamp / 1000.0)
	END AS "Age of last record, s",
	round(extract(epoch FROM now() - updated_at)::numeric) AS "Age of last commit, s"
FROM source_offsets
ORDER BY topic, kafka_partition;
