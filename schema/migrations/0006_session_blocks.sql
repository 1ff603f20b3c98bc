-- Sessions of an hour, 64 neighbouring numbers to a row: one bit each. Applications count their sessions up, so that
-- the logins of a set fill a few rows, where a row for each cost a third of Postgres's work. Numbers that are spread
-- wide make a row each, as before.
--
-- Old rows are put together here, at about a second for a million.

ALTER TABLE hourly_sessions RENAME TO hourly_sessions_one_by_one;
ALTER TABLE hourly_sessions_one_by_one RENAME CONSTRAINT hourly_sessions_pkey TO hourly_sessions_one_by_one_pkey;

-- A row is changed by the next sets of its hour while its block fills up, and by late logins: room keeps that HOT.
CREATE TABLE hourly_sessions (
	hour timestamptz NOT NULL,
	block bigint NOT NULL,
	bits bigint NOT NULL,
	added smallint NOT NULL,
	PRIMARY KEY (hour, block)
) WITH (fillfactor = 90);

INSERT INTO hourly_sessions (hour, block, bits, added)
SELECT hour, session_id >> 6, bit_or(1::bigint << (session_id & 63)::int), count(*)
FROM hourly_sessions_one_by_one
GROUP BY hour, session_id >> 6
ORDER BY 1, 2;

DROP TABLE hourly_sessions_one_by_one;

COMMENT ON TABLE hourly_sessions IS 'Sessions that logged in within the hour, each once: a row for 64 neighbouring numbers, a bit for each';
COMMENT ON COLUMN hourly_sessions.hour IS 'Start of the hour';
COMMENT ON COLUMN hourly_sessions.block IS 'Session number divided by 64, rounded down';
COMMENT ON COLUMN hourly_sessions.bits IS 'Bit n (1 << n): session number 64 * block + n logged in';
COMMENT ON COLUMN hourly_sessions.added IS 'How many bits the last change set: what it added to hourly_totals.new_sessions';
COMMENT ON COLUMN hourly_totals.new_sessions IS 'Bits set in hourly_sessions with this hour';
