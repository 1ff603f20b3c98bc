-- The newest dead letters, newest first, each with the start of its original bytes.
--   psql -f schema/reports/dead-letters.sql                       the last 50
--   psql -v limit=500 -v reason=amount -f ...                     more, and of one reason only
\set ON_ERROR_STOP on
\set QUIET on
\if :{?limit}
\else
\set limit 50
\endif
\if :{?reason}
\else
\set reason ''
\endif
\if :{?zone}
\else
\set zone UTC
\endif
\pset title 'Dead letters'
SET TIME ZONE :'zone';

SELECT
	date_trunc('second', created_at) AS "Stored at",
	topic AS "Topic",
	kafka_partition AS "Partition",
	kafka_offset AS "Offset",
	stage AS "Stage",
	reason AS "Reason",
	pointer AS "Pointer",
	detail AS "Detail",
	octet_length(value) AS "Bytes",
	-- Bytes beyond ASCII show as \nnn.
	encode(substring(key FROM 1 FOR 40), 'escape') AS "Key",
	encode(substring(value FROM 1 FOR 80), 'escape') AS "Value starts"
FROM dead_letters
WHERE :'reason' IN ('', reason)
ORDER BY created_at DESC, topic, kafka_partition, kafka_offset DESC
LIMIT :'limit'::bigint;
