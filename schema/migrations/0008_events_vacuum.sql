-- Vacuum of rows that never change. By default a growing table of events is vacuumed each minute while it is small, and each
-- time its BRIN index reads all new pages without a pause: at 300,000 events/s a core for 5 s, and events of that time are
-- queryable after 0.6 s. So it waits for ten million new rows beyond the usual fifth of the table; whoever asks for a time
-- before that reads these rows too, in about a second. autosummarize would ask for summaries 128 pages at a time, but
-- Postgres keeps 256 such requests a minute and logs each one it drops.
-- Days that are made later get the same from the engine (engine/sink/days.ts): a partitioned table holds no settings.

-- Whoever uses an index of a partition has locked events first: in any other order this would meet them in a circle.
LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE;
LOCK TABLE dead_letters IN ACCESS EXCLUSIVE MODE;

DO $$
DECLARE
	change record;
BEGIN
	FOR change IN
		SELECT format('ALTER TABLE %s SET (autovacuum_vacuum_insert_threshold = 10000000)', c.oid::regclass) AS statement
		FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'events'::regclass AND c.relkind = 'r'
		UNION ALL
		-- No rows where somebody has dropped them.
		SELECT format('ALTER INDEX %s SET (autosummarize = off)', c.oid::regclass)
		FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
		WHERE c.relkind = 'i'
			AND (i.inhparent = to_regclass('events_event_time_brin') OR c.oid = to_regclass('dead_letters_created_at_brin'))
	LOOP
		BEGIN
			EXECUTE change.statement;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE NOTICE 'a table or an index of events belongs to somebody else and keeps its settings'
				USING HINT = 'its owner may run: ' || change.statement;
		END;
	END LOOP;
END $$;
