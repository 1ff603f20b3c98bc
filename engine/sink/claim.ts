import type pg from "pg";
import type { Claim } from "../ports.ts";
import { commit } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import { assertLedger, type LedgerOwner } from "./ledger-check.ts";
import { OFFSETS_LOCK } from "./locks.ts";

/** Whose offsets these are. One database holds one topic of one cluster. */
export interface LedgerIdentity extends LedgerOwner {
	/** Who claims, for people. */
	readonly owner: string;
}

export interface ClaimAnswer {
	readonly claims: readonly Claim[];
	/** Raised by `recompute` and `erase`; a flush that knows an older one is fenced. */
	readonly generation: string;
}

/**
 * Step 2: adds missing rows at the log's start, then in one transaction locks all rows in the one order in which
 * everybody locks them, raises their epochs, and returns where each goes on. Waits for a flush in flight, whosever it is:
 * its outcome is decided when this returns. Throws `WrongLedgerError` when the database belongs to another topic or
 * cluster, `SchemaError` when a partition has two rows.
 */
export async function claim(
	client: pg.Client,
	identity: LedgerIdentity,
	lowWatermarks: ReadonlyMap<number, number>,
): Promise<ClaimAnswer> {
	const partitions = [...lowWatermarks.keys()].sort((a, b) => a - b);
	await addMissing(client, identity, lowWatermarks);
	await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
	await client.query(
		`SELECT FROM source_offsets WHERE topic = $1 AND kafka_partition = ANY ($2::int[])
		 ORDER BY topic, kafka_partition FOR UPDATE`,
		[identity.topic, partitions],
	);
	// Read behind the locks: whoever raises the generation holds the whole table (READ COMMITTED, a new snapshot each).
	const ledger = await client.query<LedgerOwner & { generation: string }>(
		'SELECT cluster_id AS "clusterId", topic, generation FROM ledger',
	);
	const held = ledger.rows[0];
	assertLedger(held, identity);
	const rows = await client.query<ClaimRow>(
		`UPDATE source_offsets SET epoch = epoch + 1, owner = $3
		 WHERE topic = $1 AND kafka_partition = ANY ($2::int[])
		 RETURNING kafka_partition, epoch, next_offset, last_record_offset, last_record_timestamp, last_record_hash,
			extract(epoch FROM newest_event_time) * 1000 AS newest_event_ms, recent_count, recent_dead_letter_count,
			extract(epoch FROM updated_at) * 1000 AS moved_at_ms`,
		[identity.topic, partitions, identity.owner],
	);
	assertOneEach(rows.rows);
	await commit(client);
	return { claims: rows.rows.map(claimOf), generation: held!.generation };
}

/**
 * A transaction of its own: a row that was inserted is locked, and locked before the older ones in front of it, which
 * another claim may take in their order meanwhile: a circle (found by the simulation). A row alone claims nothing.
 */
async function addMissing(
	client: pg.Client,
	identity: LedgerIdentity,
	lowWatermarks: ReadonlyMap<number, number>,
): Promise<void> {
	await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
	await client.query(
		"INSERT INTO ledger (cluster_id, topic) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM ledger) ON CONFLICT DO NOTHING",
		[identity.clusterId, identity.topic],
	);
	const ledger = await client.query<LedgerOwner>(
		'SELECT cluster_id AS "clusterId", topic, generation FROM ledger',
	);
	assertLedger(ledger.rows[0], identity);
	// In a statement of its own: the next one sees what was added by whoever had the lock.
	await client.query(`SELECT pg_advisory_xact_lock(${OFFSETS_LOCK})`);
	await client.query(
		`INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset)
		 SELECT $1, v.kafka_partition, v.low, v.low
		 FROM unnest($2::int[], $3::bigint[]) AS v(kafka_partition, low)
		 WHERE NOT EXISTS (SELECT FROM source_offsets s WHERE s.topic = $1 AND s.kafka_partition = v.kafka_partition)
		 ORDER BY v.kafka_partition`,
		[identity.topic, [...lowWatermarks.keys()], [...lowWatermarks.values()]],
	);
	await commit(client);
}

/** The trigger sees to it, but not where somebody has switched it off, nor in a subscriber of a logical replication. */
function assertOneEach(rows: readonly ClaimRow[]): void {
	const partitions = rows.map((row) => row.kafka_partition);
	const twice = partitions.find((partition, i) => partitions.indexOf(partition) !== i);
	if (twice === undefined) return;
	throw new SchemaError(
		"OFFSET_ROWS",
		`partition ${twice} has more than one row in source_offsets: which of them is right cannot be told`,
		`SELECT * FROM source_offsets WHERE kafka_partition = ${twice}, and delete what a restore or a copy has added`,
	);
}

interface ClaimRow {
	kafka_partition: number;
	epoch: string;
	next_offset: string;
	last_record_offset: string | null;
	last_record_timestamp: string | null;
	last_record_hash: Buffer | null;
	newest_event_ms: string | null;
	recent_count: number;
	recent_dead_letter_count: number;
	moved_at_ms: string;
}

function claimOf(row: ClaimRow): Claim {
	return {
		partition: row.kafka_partition,
		epoch: Number(row.epoch),
		nextOffset: Number(row.next_offset),
		last:
			row.last_record_offset === null || row.last_record_hash === null
				? null
				: {
						offset: Number(row.last_record_offset),
						timestampMs: Number(row.last_record_timestamp),
						hash: row.last_record_hash,
					},
		newestEventMs: row.newest_event_ms === null ? null : Number(row.newest_event_ms),
		recent: {
			records: row.recent_count,
			deadLetters: row.recent_dead_letter_count,
			atMs: Number(row.moved_at_ms),
		},
	};
}
