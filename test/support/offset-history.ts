/**
 * Every change of `source_offsets` in its order, written down by a trigger in the test's own database: what polling
 * would miss between two looks.
 */
import type pg from "pg";

/** Goes into a database that is migrated; the engine does not know of it. */
export async function recordOffsetHistory(client: pg.Client): Promise<void> {
	await client.query(`
		CREATE TABLE offset_history (
			seq bigserial PRIMARY KEY, kafka_partition int, was jsonb, now jsonb,
			transaction xid8 DEFAULT pg_current_xact_id()
		);
		CREATE FUNCTION note_offsets() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO offset_history (kafka_partition, was, now)
			VALUES (NEW.kafka_partition, CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END, to_jsonb(NEW));
			RETURN NULL;
		END $$;
		CREATE TRIGGER note_offsets AFTER INSERT OR UPDATE ON source_offsets FOR EACH ROW EXECUTE FUNCTION note_offsets()`);
}

export interface OffsetHistory {
	/** Breaches of I1, for people; empty when it holds. */
	readonly problems: readonly string[];
	/** Transactions that moved an offset. */
	readonly commits: number;
	/** Transactions that raised an epoch. */
	readonly claims: number;
}

interface Row {
	readonly next_offset: number;
	readonly epoch: number;
	readonly owner: string | null;
	readonly start_offset: number;
}

/** Reads the whole history and judges it by I1: ranges follow each other without hole or overlap, epochs never fall. */
export async function readOffsetHistory(client: pg.Client): Promise<OffsetHistory> {
	const { rows } = await client.query<{
		kafka_partition: number;
		was: Row | null;
		now: Row;
		transaction: string;
	}>("SELECT kafka_partition, was, now, transaction::text FROM offset_history ORDER BY seq");
	const problems: string[] = [];
	const last = new Map<number, Row>();
	const commits = new Set<string>();
	const claims = new Set<string>();
	for (const { kafka_partition: partition, was, now, transaction } of rows) {
		const before = last.get(partition);
		const say = (what: string) => problems.push(`partition ${partition}: ${what}`);
		// A row is written by one transaction at a time, so each change starts where the one before it ended.
		if (before !== undefined && was?.next_offset !== before.next_offset)
			say(`a change starts at ${was?.next_offset}, the one before it ended at ${before.next_offset}`);
		if (before === undefined && now.next_offset !== now.start_offset)
			say("its first row is not at its start");
		if (was !== null) {
			if (now.epoch < was.epoch) say(`epoch fell from ${was.epoch} to ${now.epoch}`);
			if (now.next_offset < was.next_offset) say(`offset fell from ${was.next_offset} to ${now.next_offset}`);
			if (now.start_offset !== was.start_offset) say("its start moved");
			if (now.epoch !== was.epoch && now.next_offset !== was.next_offset) say("a claim moved the offset");
			if (now.epoch === was.epoch && now.owner !== was.owner) say("another owner under the same epoch");
		}
		if (was !== null && now.epoch !== was.epoch) claims.add(transaction);
		if (was !== null && now.next_offset !== was.next_offset) commits.add(transaction);
		last.set(partition, now);
	}
	return { problems, commits: commits.size, claims: claims.size };
}
