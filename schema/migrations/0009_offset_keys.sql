-- What a snapshot costs that is held open. Each move of an offset row leaves a version that stays for as long as the snapshot
-- does, and when a move does not fit on its page, a unique index looks at every version with the key of the new one: 3 ms a
-- set more after half an hour with 8 partitions, 6 ms after four minutes with 64. So the key has a number in it that the
-- engine changes every 8 seconds (engine/sink/move-offsets.ts), and a key collects the versions of that time only.
--
-- Whoever publishes source_offsets with a list of its columns must add this one to it.
ALTER TABLE source_offsets
	ADD COLUMN key_slot int NOT NULL DEFAULT 0,
	DROP CONSTRAINT source_offsets_pkey,
	ADD CONSTRAINT source_offsets_pkey PRIMARY KEY (topic, kafka_partition, key_slot);

COMMENT ON COLUMN source_offsets.key_slot IS 'Part of the key so that no key collects versions behind a snapshot that is held open; says nothing about the partition';

-- One row for each partition, which that key does not see to. Whoever adds one waits for others that do, and looks behind the
-- lock, where each statement sees what is committed by then: so under READ COMMITTED only. The table by its number, since a
-- restored dump has no search_path.
CREATE FUNCTION one_row_per_partition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	is_there boolean;
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE feature_not_supported USING MESSAGE = 'offset rows are added under READ COMMITTED only';
	END IF;
	-- 3 of the locks in engine/sink/locks.ts.
	PERFORM pg_advisory_xact_lock(1279611984, 3);
	EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE topic = $1 AND kafka_partition = $2)', TG_RELID::regclass)
		INTO is_there USING NEW.topic, NEW.kafka_partition;
	IF is_there THEN
		RAISE unique_violation USING
			MESSAGE = format('partition %s of %s has an offset row', NEW.kafka_partition, NEW.topic);
	END IF;
	RETURN NEW;
END $$;

CREATE TRIGGER one_row_per_partition BEFORE INSERT ON source_offsets
	FOR EACH ROW EXECUTE FUNCTION one_row_per_partition();
CREATE TRIGGER one_row_per_partition_still BEFORE UPDATE OF topic, kafka_partition ON source_offsets
	FOR EACH ROW WHEN ((NEW.topic, NEW.kafka_partition) IS DISTINCT FROM (OLD.topic, OLD.kafka_partition))
	EXECUTE FUNCTION one_row_per_partition();
