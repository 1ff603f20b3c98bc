import type { PartitionFold } from "../workers/part.ts";
import { TooMuchBadInputError } from "./errors.ts";
import type { Claim, CommitSet, RecentCounts } from "./ports.ts";

/** Never judged on fewer: a handful of bad messages at the start of a topic is no flood. */
export const WINDOW_RECORDS = 10_000;
/** Sets are added up to buckets of at least this many records, so that a quiet topic does not fill the memory. */
const BUCKET_RECORDS = 1_000;

/** What one stretch of time brought, by partition. */
type Bucket = Map<number, RecentCounts>;

/**
 * Step 12: how many of the last messages became dead letters. Holds committed sets only, so a recovery changes nothing;
 * what an engine learnt is stored with the offsets and taken up again by whoever claims the partition next.
 *
 * The window ends at the borders of sets: it is the newest ones that hold at least `WINDOW_RECORDS` messages.
 */
export class InvalidWindow {
	readonly ratioMax: number;
	/** Oldest first. */
	#buckets: Bucket[] = [];

	constructor(ratioMax: number) {
		this.ratioMax = ratioMax;
	}

	/** Messages in the window, and how many of them became dead letters. */
	get counts(): RecentCounts {
		return sum(this.#buckets);
	}

	/** Partitions were claimed: what their rows say takes the place of what was known of them, as the oldest part. */
	adopt(claims: readonly Claim[]): void {
		for (const bucket of this.#buckets) for (const { partition } of claims) bucket.delete(partition);
		const stored = [...claims]
			.sort((a, b) => a.recent.atMs - b.recent.atMs)
			.filter(({ recent }) => recent.records > 0)
			.map(({ partition, recent }): Bucket => new Map([[partition, recent]]));
		this.#buckets = trimmed([...stored, ...this.#buckets]);
	}

	/**
	 * What the window will be when this set is committed, by partition, to be stored with it.
	 *
	 * @throws TooMuchBadInputError when dead letters are more than their share of it; the set must not be committed then.
	 */
	judge(set: CommitSet): ReadonlyMap<number, RecentCounts> {
		const next = this.#with(set);
		const { records, deadLetters } = sum(next);
		if (records >= WINDOW_RECORDS && deadLetters > this.ratioMax * records) {
			const percent = Math.floor((1000 * deadLetters) / records) / 10;
			throw new TooMuchBadInputError(
				`${deadLetters} of the last ${records} messages are no valid events (${percent} %, INVALID_RATIO_MAX allows ` +
					`${this.ratioMax * 100} %); the set that passed the limit was not stored`,
				"see `node engine report quality` for the reasons; correct the producer, or start with a higher INVALID_RATIO_MAX " +
					"(1 allows everything) to go on where this stopped",
			);
		}
		return byPartition(next);
	}

	committed(set: CommitSet): void {
		this.#buckets = this.#with(set);
	}

	#with(set: CommitSet): Bucket[] {
		const added = countsOf(set);
		const newest = this.#buckets.at(-1);
		if (newest === undefined || sum([newest]).records >= BUCKET_RECORDS) {
			return trimmed([...this.#buckets, added]);
		}
		return trimmed([...this.#buckets.slice(0, -1), byPartition([newest, added])]);
	}
}

function countsOf(set: CommitSet): Bucket {
	const counts: Bucket = new Map();
	for (const { folds } of set.parts) for (const fold of folds) add(counts, fold.partition, recentOf(fold));
	return counts;
}

function recentOf({ rowCount, deadLetterCount }: PartitionFold): RecentCounts {
	return { records: rowCount + deadLetterCount, deadLetters: deadLetterCount };
}

/** Without the oldest buckets that are not needed to fill the window. */
function trimmed(buckets: readonly Bucket[]): Bucket[] {
	let { records } = sum(buckets);
	let first = 0;
	for (; first < buckets.length - 1; first++) {
		const rest = records - sum([buckets[first]!]).records;
		if (rest < WINDOW_RECORDS) break;
		records = rest;
	}
	return buckets.slice(first);
}

function byPartition(buckets: readonly Bucket[]): Bucket {
	const all: Bucket = new Map();
	for (const bucket of buckets) for (const [partition, counts] of bucket) add(all, partition, counts);
	return all;
}

function sum(buckets: readonly Bucket[]): RecentCounts {
	let records = 0;
	let deadLetters = 0;
	for (const bucket of buckets) {
		for (const counts of bucket.values()) {
			records += counts.records;
			deadLetters += counts.deadLetters;
		}
	}
	return { records, deadLetters };
}

function add(bucket: Bucket, partition: number, { records, deadLetters }: RecentCounts): void {
	const before = bucket.get(partition) ?? { records: 0, deadLetters: 0 };
	bucket.set(partition, {
		records: before.records + records,
		deadLetters: before.deadLetters + deadLetters,
	});
}
