-- What a snapshot costs that is held open. Each move of an offset row leaves a version that stays for as long as the snapshot
-- does, and when a move does not fit on its page, a unique index looks at every version with the key of the new one: 3.4 ms a
-- set more after half an hour with 8 partitions, 6 ms after four minutes with 64. So the key has a number in it that the
-- engine raises every 256 sets (engine/sink/move-offsets.ts), and no key collects more versions than that.
ALTER TABLE source_offsets
	ADD COLUMN key_slot int NOT NULL DEFAULT 0,
	DROP CONSTRAINT source_offsets_pkey,
	ADD CONSTRAINT source_offsets_pkey PRIMARY KEY (topic, kafka_partition, key_slot);

COMMENT ON COLUMN source_offsets.key_slot IS 'Part of the key so that no key collects versions behind a snapshot that is held open; says nothing about the partition';

-- One row for each partition, which that key does not see to. A second one is left out, as ON CONFLICT DO NOTHING would,
-- with a warning. Whoever inserts waits for others that do, and looks behind the lock: a snapshot of its own (READ COMMITTED).
CREATE FUNCTION one_row_per_partition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- 3 of the locks in engine/sink/locks.ts.
	PERFORM pg_advisory_xact_lock(1279611984, 3);
	IF NOT EXISTS (SELECT FROM source_offsets WHERE topic = NEW.topic AND kafka_partition = NEW.kafka_partition) THEN
		RETURN NEW;
	END IF;
	IF TG_OP = 'UPDATE' THEN
		RAISE unique_violation USING
			MESSAGE = format('partition %s of %s has an offset row', NEW.kafka_partition, NEW.topic);
	END IF;
	RAISE WARNING 'partition % of % has an offset row: left out', NEW.kafka_partition, NEW.topic;
	RETURN NULL;
END $$;

CREATE TRIGGER one_row_per_partition BEFORE INSERT ON source_offsets
	FOR EACH ROW EXECUTE FUNCTION one_row_per_partition();
CREATE TRIGGER one_row_per_partition_still BEFORE UPDATE OF topic, kafka_partition ON source_offsets
	FOR EACH ROW WHEN ((NEW.topic, NEW.kafka_partition) IS DISTINCT FROM (OLD.topic, OLD.kafka_partition))
	EXECUTE FUNCTION one_row_per_partition();
