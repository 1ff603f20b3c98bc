/**
 * The frozen part: what one actor folded between two barriers, ready to be sent to Postgres.
 *
 * The supervisor never looks into rows or ids. It adds up counts, merges hourly deltas, and passes byte chunks on.
 */

/** One partition's share of a frozen part, under one claim. */
export interface PartitionFold {
	readonly partition: number;
	readonly epoch: number;
	/** Valid events, in the order of their offsets within the shard. */
	readonly rowCount: number;
	/** COPY binary tuples for `events`, without header and trailer; whole tuples, any number of chunks. */
	readonly rows: readonly Uint8Array<ArrayBuffer>[];
	readonly deadLetterCount: number;
	/** COPY binary tuples for `dead_letters`, without header and trailer. */
	readonly deadLetters: readonly Uint8Array<ArrayBuffer>[];
	/** Dead letters by `stage/reason`. */
	readonly reasons: Readonly<Record<string, number>>;
	/** Valid events by type, in the order of `EVENT_TYPES` (schema/event.ts). */
	readonly eventTypes: readonly number[];
	/** Hourly deltas: `WINDOW_STRIDE` numbers each, see `WINDOW`. */
	readonly windows: Float64Array<ArrayBuffer>;
	readonly users: CandidateColumns;
	readonly sessions: CandidateColumns;
	/** Newest event time, in whole seconds since 1970 UTC; `-Infinity` when there is no row. */
	readonly newestEventSeconds: number;
	/** Rows that were late, in the order of `LATE_AGES`; each is counted once, under the greatest age it reached. */
	readonly late: readonly number[];
}

/**
 * Distinct candidates as the elements of two Postgres binary arrays of equal length: every element is an int32
 * big-endian length and that many bytes. `hours` are `timestamptz` (8 bytes, µs since 2000), `ids` are `text` (UTF-8)
 * for users and `int8` for sessions. The array header is put in front when the parts of all actors are joined.
 */
export interface CandidateColumns {
	readonly count: number;
	readonly hours: Uint8Array<ArrayBuffer>;
	readonly ids: Uint8Array<ArrayBuffer>;
}

export interface FrozenPart {
	readonly shard: number;
	readonly folds: readonly PartitionFold[];
	/** Bytes of all chunks and columns together, for the accounting of memory. */
	readonly byteLength: number;
}

/** An event this far behind its Kafka record corrects an hour that readers have seen; shorter delays are everyday life. */
export const LATE_AGES = [
	{ name: "1h", fromSeconds: 3_600 },
	{ name: "24h", fromSeconds: 86_400 },
	{ name: "7d", fromSeconds: 604_800 },
	{ name: "30d", fromSeconds: 2_592_000 },
] as const;

/** Columns of one hourly delta. Money is `hi * 2^52 + lo` cents: both are exact integers, whatever the sum. */
export const WINDOW = {
	/** Whole hours since 1970 UTC; negative before. */
	hour: 0,
	revenueHi: 1,
	revenueLo: 2,
	ticketCount: 3,
	payoutHi: 4,
	payoutLo: 5,
	payoutEvents: 6,
	loginCount: 7,
	eventCount: 8,
} as const;

export const WINDOW_STRIDE = 9;

/** 2^52: where the low half of a sum of cents overflows into the high half. */
export const CENTS_CARRY = 4_503_599_627_370_496;

/** Exact sum of cents from its two halves. */
export function centsOf(hi: number, lo: number): bigint {
	return BigInt(hi) * BigInt(CENTS_CARRY) + BigInt(lo);
}

/** The buffers of a part that may be transferred instead of cloned. Each is owned by the part alone. */
export function transferablesOf(part: FrozenPart): ArrayBuffer[] {
	const buffers = new Set<ArrayBuffer>();
	for (const fold of part.folds) {
		for (const chunk of fold.rows) buffers.add(chunk.buffer);
		for (const chunk of fold.deadLetters) buffers.add(chunk.buffer);
		buffers.add(fold.windows.buffer);
		for (const columns of [fold.users, fold.sessions]) {
			buffers.add(columns.hours.buffer);
			buffers.add(columns.ids.buffer);
		}
	}
	return [...buffers];
}
