import type pg from "pg";
import type { PartitionFold } from "../../workers/part.ts";
import { FencedError } from "../core-errors.ts";
import type { CommitSet, RecentCounts, SetRange } from "../ports.ts";
import { sumFolds } from "./sum-folds.ts";

/** Where the newest version of a partition's offset row lies (`ctid`), as far as it is known; by partition. */
export type RowPlaces = Map<number, string>;

/**
 * Step 7a, which begins the transaction. The lock first, its answer awaited: `UPDATE ... FROM` alone would lock in plan
 * order and deadlock with claims. Throws `FencedError` when a row is not as this engine left it.
 *
 * Rows are looked up where this engine has put them last: while somebody holds a snapshot open, the key leads to every
 * version that was written since, and there are thousands after some minutes. `places` is good for as long as nobody
 * else moves the rows; that it is not is noticed, and costs one more round.
 */
export async function moveOffsets(
	client: pg.Client,
	topic: string,
	generation: string,
	set: CommitSet,
	folds: readonly PartitionFold[],
	recent: ReadonlyMap<number, RecentCounts>,
	places: RowPlaces,
): Promise<void> {
	const ranges = set.ranges.filter((range) => range.from < range.to);
	const partitions = ranges.map((range) => range.partition);
	await client.query(BEGIN);
	if (!(await lockPlaces(client, topic, partitions, places))) {
		const locked = await client.query<LockedRow>({
			name: "lock_offsets",
			text: `SELECT kafka_partition, ctid FROM source_offsets
				WHERE topic = $1 AND kafka_partition = ANY ($2::int[])
				ORDER BY topic, kafka_partition FOR UPDATE`,
			values: [topic, partitions],
		});
		for (const { kafka_partition, ctid } of locked.rows) places.set(kafka_partition, ctid);
	}
	const moved = await client.query<LockedRow>({
		name: "move_offsets",
		text: `UPDATE source_offsets s SET
				next_offset = v.to_offset,
				gap_count = s.gap_count + v.gaps,
				stored_count = s.stored_count + v.stored,
				dead_letter_count = s.dead_letter_count + v.dead,
				last_record_offset = coalesce(v.last_offset, s.last_record_offset),
				last_record_timestamp = coalesce(v.last_timestamp, s.last_record_timestamp),
				last_record_hash = coalesce(decode(v.last_hash, 'hex'), s.last_record_hash),
				newest_event_time = greatest(s.newest_event_time, to_timestamp(v.newest_event)),
				recent_count = v.recent,
				recent_dead_letter_count = v.recent_dead,
				updated_at = now(),
				key_slot = (extract(epoch FROM now()) * ${1 / KEY_SECONDS})::int
			FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
				$9::bigint[], $10::bigint[], $11::text[], $12::float8[], $13::int[], $14::int[], $15::tid[])
				AS v(kafka_partition, epoch, from_offset, to_offset, gaps, stored, dead, last_offset, last_timestamp,
					last_hash, newest_event, recent, recent_dead, place)
			WHERE s.ctid = v.place AND s.kafka_partition + 0 = v.kafka_partition
				AND s.epoch = v.epoch AND s.next_offset = v.from_offset
				AND (SELECT generation FROM ledger) = $1::bigint
			RETURNING s.kafka_partition, s.ctid`,
		values: [
			generation,
			...offsetColumns(ranges, folds, recent),
			partitions.map((partition) => places.get(partition) ?? NOWHERE),
		],
	});
	if (moved.rowCount !== ranges.length) {
		throw new FencedError(
			`${moved.rowCount} of ${ranges.length} offset rows are as this engine left them: another engine has claimed the ` +
				"others, or recompute or erase ran",
		);
	}
	for (const { kafka_partition, ctid } of moved.rows) places.set(kafka_partition, ctid);
}

/**
 * Plans are made while tables are small, and kept while they grow: reading the whole of one must not look cheap then. The
 * ledger has no other way to be read, though, and servers before 18 put that at a cost for which they compile the plan.
 */
const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off; SET LOCAL jit = off";
/**
 * A version that does not fit on its page is compared with every older one of its key that somebody's snapshot still holds
 * (`_bt_check_unique`): those of some seconds cost nothing beside the update. With a key of its own for each none would
 * stay on its page.
 */
const KEY_SECONDS = 8;
/** No row has this address. */
export const NOWHERE = "(0,0)";

interface LockedRow {
	readonly kafka_partition: number;
	readonly ctid: string;
}

/**
 * Locks the rows where they should lie. False: some were not there; nothing is locked, since what is left of the order
 * would be locked behind what has been.
 */
async function lockPlaces(
	client: pg.Client,
	topic: string,
	partitions: readonly number[],
	places: RowPlaces,
): Promise<boolean> {
	if (partitions.some((partition) => !places.has(partition))) return false;
	const { rows } = await client.query<{ topic: string; kafka_partition: number }>({
		name: "lock_offset_places",
		// Nothing that the key could be used for, not even the order: the plan would go through all versions again.
		text: `SELECT topic, kafka_partition FROM source_offsets WHERE ctid = ANY ($1::tid[])
			ORDER BY (topic, kafka_partition) FOR UPDATE`,
		values: [partitions.map((partition) => places.get(partition))],
	});
	const ours = rows.filter((row) => row.topic === topic && partitions.includes(row.kafka_partition));
	if (ours.length === partitions.length) return true;
	await client.query("ROLLBACK");
	await client.query(BEGIN);
	return false;
}

function offsetColumns(
	ranges: readonly SetRange[],
	folds: readonly PartitionFold[],
	recent: ReadonlyMap<number, RecentCounts>,
): unknown[] {
	const of = (range: SetRange) => folds.filter((fold) => fold.partition === range.partition);
	return [
		ranges.map((range) => range.partition),
		ranges.map((range) => range.epoch),
		ranges.map((range) => range.from),
		ranges.map((range) => range.to),
		ranges.map((range) => range.gaps),
		ranges.map((range) => sumFolds(of(range), (fold) => fold.rowCount)),
		ranges.map((range) => sumFolds(of(range), (fold) => fold.deadLetterCount)),
		ranges.map((range) => range.last?.offset ?? null),
		ranges.map((range) => range.last?.timestampMs ?? null),
		ranges.map((range) => (range.last === null ? null : Buffer.from(range.last.hash).toString("hex"))),
		ranges.map((range) => {
			const newest = Math.max(...of(range).map((fold) => fold.newestEventSeconds));
			return Number.isFinite(newest) ? newest : null;
		}),
		ranges.map((range) => recent.get(range.partition)?.records ?? 0),
		ranges.map((range) => recent.get(range.partition)?.deadLetters ?? 0),
	];
}
