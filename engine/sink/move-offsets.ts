import type pg from "pg";
import type { PartitionFold } from "../../workers/part.ts";
import { FencedError } from "../core-errors.ts";
import type { CommitSet, RecentCounts, SetRange } from "../ports.ts";
import { sumFolds } from "./sum-folds.ts";

/**
 * Step 7a, which begins the transaction. The lock first, its answer awaited: `UPDATE ... FROM` alone would lock in plan order and deadlock with
 * claims. Throws `FencedError` when a row is not as this engine left it.
 */
export async function moveOffsets(
	client: pg.Client,
	topic: string,
	generation: string,
	set: CommitSet,
	folds: readonly PartitionFold[],
	recent: ReadonlyMap<number, RecentCounts>,
): Promise<void> {
	const ranges = set.ranges.filter((range) => range.from < range.to);
	await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
	await client.query({
		name: "lock_offsets",
		text: `SELECT FROM source_offsets WHERE topic = $1 AND kafka_partition = ANY ($2::int[])
			ORDER BY topic, kafka_partition FOR UPDATE`,
		values: [topic, ranges.map((range) => range.partition)],
	});
	const { rowCount } = await client.query({
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
				updated_at = now()
			FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
				$10::bigint[], $11::bigint[], $12::text[], $13::float8[], $14::int[], $15::int[])
				AS v(kafka_partition, epoch, from_offset, to_offset, gaps, stored, dead, last_offset, last_timestamp,
					last_hash, newest_event, recent, recent_dead)
			WHERE s.topic = $1 AND s.kafka_partition = v.kafka_partition
				AND s.epoch = v.epoch AND s.next_offset = v.from_offset
				AND (SELECT generation FROM ledger) = $2::bigint`,
		values: [topic, generation, ...offsetColumns(ranges, folds, recent)],
	});
	if (rowCount !== ranges.length) {
		throw new FencedError(
			`${rowCount} of ${ranges.length} offset rows are as this engine left them: another engine has claimed the ` +
				"others, or recompute or erase ran",
		);
	}
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
