/**
 * A slice: one shard's share of what Kafka delivered, packed into three buffers that are transferred to the actor.
 *
 * `values`: `[`, then every value that is neither null nor empty, each followed by `SEPARATOR_BYTES` free bytes.
 *   The actor writes `,<random number>,` into each gap and `]` into the last one, so that the whole slice is one
 *   JSON array: one parse for all of it (decode.ts says why the number must be random).
 * `meta`: for every record its key bytes, then its header bytes (see `headersJson` in engine/kafka).
 * `index`: `count` times two float64 (offset, record timestamp in ms, -1 when there is none), then `count` times
 *   three int32 (value length, key length, headers length; -1 is null, and headers are null when there are none).
 */

/** Free bytes behind each value: a comma, ten digits, a comma. */
export const SEPARATOR_BYTES = 12;

/** Consecutive records of the slice that belong to one partition under one claim. */
export interface SliceRun {
	readonly partition: number;
	readonly epoch: number;
	readonly count: number;
}

export interface PackedSlice {
	readonly count: number;
	readonly runs: readonly SliceRun[];
	readonly values: ArrayBuffer;
	readonly meta: ArrayBuffer;
	readonly index: ArrayBuffer;
	/** What the slice is charged with while it is under way: the bytes of its three buffers. */
	readonly byteLength: number;
}
