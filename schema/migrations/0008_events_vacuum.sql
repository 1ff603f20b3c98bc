-- Vacuum of rows that never change. By default a growing table of events is vacuumed each minute while it is small, and each
-- time its BRIN index reads all new pages without a pause: at 300,000 events/s a core for 5 s, and events of that time are
-- queryable after 0.6 s. Ten million rows nobody has summarised are read in a second when somebody asks for a time.
-- autosummarize asks for it 128 pages at a time, but Postgres keeps 256 such requests a minute and logs each one it drops.
-- Days that are made later get the same from the engine (engine/sink/days.ts): a partitioned table holds no settings.
DO $$
DECLARE
	leaf record;
BEGIN
	FOR leaf IN
		SELECT i.inhrelid::regclass AS name FROM pg_inherits AS i
		JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
		WHERE i.inhparent = 'events'::regclass
	LOOP
		EXECUTE format('ALTER TABLE %s SET (autovacuum_vacuum_insert_threshold = 10000000)', leaf.name);
	END LOOP;
	FOR leaf IN
		SELECT i.inhrelid::regclass AS name FROM pg_inherits AS i
		JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'i'
		-- No rows where somebody has dropped it.
		WHERE i.inhparent = to_regclass('events_event_time_brin')
	LOOP
		EXECUTE format('ALTER INDEX %s SET (autosummarize = off)', leaf.name);
	END LOOP;
END $$;
