import { createHash } from "node:crypto";
import { type PackedSlice, SliceWriter } from "../workers/slice.ts";
import type { Limits } from "./limits.ts";
import type { Clock, RecordCursor, RecordIdentity, Timer } from "./ports.ts";
import { shardOf } from "./sharding.ts";

/** What became of one batch. */
export interface Routed {
	readonly records: number;
	readonly bytes: number;
	readonly first: { readonly timestampMs: number } | null;
	readonly last: RecordIdentity | null;
}

/**
 * Packs records into one transfer buffer per shard and posts it when it is full, after `sliceDelayMs`, or when told to.
 * The main thread's only touch of the data: it looks at the key, copies the bytes, and never parses.
 */
export class Router {
	readonly #writers: SliceWriter[];
	readonly #limits: Pick<Limits, "sliceBytesMax" | "sliceDelayMs" | "recordOverheadBytes">;
	readonly #clock: Pick<Clock, "after">;
	readonly #post: (shard: number, slice: PackedSlice) => void;
	#timer: Timer | null = null;

	constructor(
		shards: number,
		limits: Pick<Limits, "sliceBytesMax" | "sliceDelayMs" | "recordOverheadBytes">,
		clock: Pick<Clock, "after">,
		post: (shard: number, slice: PackedSlice) => void,
	) {
		this.#writers = Array.from({ length: shards }, () => new SliceWriter(limits.sliceBytesMax));
		this.#limits = limits;
		this.#clock = clock;
		this.#post = post;
	}

	/**
	 * Routes what the cursor still holds at or above `from`. `standing`: the cursor already stands on a record that
	 * nobody has routed (it was looked at for the read-back of step 2). `end`: nothing at or above this offset.
	 */
	route(
		records: RecordCursor,
		partition: number,
		epoch: number,
		from: number,
		standing = false,
		end = Number.POSITIVE_INFINITY,
	): Routed {
		let count = 0;
		let bytes = 0;
		let firstTimestampMs = -1;
		let last: RecordIdentity | null = null;
		const shards = this.#writers.length;
		const overhead = this.#limits.recordOverheadBytes;
		let current = standing || records.next();
		for (; current; current = records.next()) {
			if (records.offset < from) continue;
			if (records.offset >= end) break;
			const shard = shards === 1 ? 0 : shardOf(records, shards);
			const writer = this.#writers[shard]!;
			const { headers } = records;
			writer.append(
				partition,
				epoch,
				records.offset,
				records.timestampMs,
				records.value,
				records.valueStart,
				records.valueEnd,
				records.key,
				records.keyStart,
				records.keyEnd,
				headers,
			);
			if (count === 0) firstTimestampMs = records.timestampMs;
			// The cursor does not go back, and a batch that is cut ends before the record it stands on.
			if (end !== Number.POSITIVE_INFINITY) last = identityOf(records);
			count++;
			bytes += overhead + records.valueEnd - records.valueStart + records.keyEnd - records.keyStart;
			// A dead letter keeps them until its set is committed, and they may be as large as the value.
			if (headers !== null) bytes += headers.length;
			if (writer.byteLength >= this.#limits.sliceBytesMax) this.#seal(shard);
		}
		if (count > 0) last ??= identityOf(records);
		if (this.#timer === null && count > 0)
			this.#timer = this.#clock.after(this.#limits.sliceDelayMs, () => this.flush());
		return { records: count, bytes, first: count > 0 ? { timestampMs: firstTimestampMs } : null, last };
	}

	/** Posts everything packed so far. Before every barrier, and before partitions are forgotten. */
	flush(): void {
		this.#timer?.cancel();
		this.#timer = null;
		for (let shard = 0; shard < this.#writers.length; shard++) {
			if (this.#writers[shard]!.count > 0) this.#seal(shard);
		}
	}

	/** Recovery: what is packed and not posted is dropped (model, O39 and O40). */
	drop(): void {
		this.#timer?.cancel();
		this.#timer = null;
		for (const writer of this.#writers) if (writer.count > 0) writer.seal();
	}

	#seal(shard: number): void {
		this.#post(shard, this.#writers[shard]!.seal());
	}
}

/** Identity of the record the cursor stands on, or stood on last. Lengths go first: key and value must not run together. */
export function identityOf(records: RecordCursor): RecordIdentity {
	const { key, value } = records;
	const lengths = Buffer.alloc(8);
	lengths.writeInt32BE(key === null ? -1 : records.keyEnd - records.keyStart, 0);
	lengths.writeInt32BE(value === null ? -1 : records.valueEnd - records.valueStart, 4);
	const hash = createHash("sha256").update(lengths);
	if (key !== null) hash.update(key.subarray(records.keyStart, records.keyEnd));
	if (value !== null) hash.update(value.subarray(records.valueStart, records.valueEnd));
	return { offset: records.offset, timestampMs: records.timestampMs, hash: hash.digest().subarray(0, 16) };
}
