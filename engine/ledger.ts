import type { FrozenPart } from "../workers/part.ts";
import { BrokenPartitionError } from "./core-errors.ts";
import type { CommitSet, RecordIdentity, SetRange } from "./ports.ts";

/** What the router says of a batch it has packed. */
export interface Accepted {
	readonly partition: number;
	readonly epoch: number;
	readonly from: number;
	readonly to: number;
	readonly records: number;
	/** Charged to the set until it is committed or dropped. */
	readonly bytes: number;
	readonly first: { readonly timestampMs: number } | null;
	readonly last: RecordIdentity | null;
}

interface Range {
	partition: number;
	epoch: number;
	from: number;
	to: number;
	records: number;
	bytes: number;
	firstTimestampMs: number | null;
	last: RecordIdentity | null;
}

/** A set on its way from its first record to its commit. */
export interface PendingSet {
	readonly set: number;
	readonly openedAtMs: number;
	readonly ranges: ReadonlyMap<number, Readonly<Range>>;
	readonly records: number;
	readonly bytes: number;
}

class SetBeingBuilt implements PendingSet {
	readonly set: number;
	readonly openedAtMs: number;
	readonly ranges = new Map<number, Range>();
	/** Indexed by shard; undefined until the actor has answered the barrier. */
	readonly parts: (FrozenPart | undefined)[] = [];
	missing = 0;
	records = 0;
	bytes = 0;

	constructor(set: number, openedAtMs: number) {
		this.set = set;
		this.openedAtMs = openedAtMs;
	}

	forget(partition: number): number {
		const range = this.ranges.get(partition);
		if (range === undefined) return 0;
		this.ranges.delete(partition);
		this.records -= range.records;
		this.bytes -= range.bytes;
		return range.bytes;
	}
}

/**
 * Owns the sets: one open, at most one frozen or waiting for the writer, at most one in COMMIT. Says which offsets each
 * covers; knows nothing of Kafka, threads or Postgres.
 */
export class Ledger {
	readonly #shards: number;
	/** Set numbers are never reused, so that an answer that was under way is never taken for a later set's (model, O38). */
	#nextSet = 1;
	#open: SetBeingBuilt | null = null;
	#waiting: SetBeingBuilt | null = null;
	#committing: SetBeingBuilt | null = null;
	#takenAtMs = 0;

	constructor(shards: number) {
		this.#shards = shards;
	}

	get open(): PendingSet | null {
		return this.#open;
	}
	get waiting(): PendingSet | null {
		return this.#waiting;
	}
	get committing(): PendingSet | null {
		return this.#committing;
	}
	get idle(): boolean {
		return this.#open === null && this.#waiting === null && this.#committing === null;
	}

	/** Notes offsets that are ours now. They must follow what the open set holds of that partition. */
	accept(accepted: Accepted, nowMs: number): void {
		this.#open ??= new SetBeingBuilt(this.#nextSet++, nowMs);
		const open = this.#open;
		const range = open.ranges.get(accepted.partition);
		if (range === undefined) {
			open.ranges.set(accepted.partition, {
				partition: accepted.partition,
				epoch: accepted.epoch,
				from: accepted.from,
				to: accepted.to,
				records: accepted.records,
				bytes: accepted.bytes,
				firstTimestampMs: accepted.first?.timestampMs ?? null,
				last: accepted.last,
			});
		} else {
			if (range.epoch !== accepted.epoch || range.to !== accepted.from) {
				throw new BrokenPartitionError(
					accepted.partition,
					`offsets ${accepted.from}.. of epoch ${accepted.epoch} do not follow ${range.to} of epoch ${range.epoch}`,
				);
			}
			range.to = accepted.to;
			range.records += accepted.records;
			range.bytes += accepted.bytes;
			range.firstTimestampMs ??= accepted.first?.timestampMs ?? null;
			range.last = accepted.last ?? range.last;
		}
		open.records += accepted.records;
		open.bytes += accepted.bytes;
	}

	/** Closes the open set; null when there is none, or when the place behind it is taken. */
	freeze(): PendingSet | null {
		if (this.#open === null || this.#waiting !== null) return null;
		this.#waiting = this.#open;
		this.#waiting.missing = this.#shards;
		this.#open = null;
		return this.#waiting;
	}

	/** One actor's answer to the barrier. True when it was the last one. A stale answer is dropped. */
	part(set: number, part: FrozenPart): boolean {
		const waiting = this.#waiting;
		if (waiting === null || waiting.set !== set || waiting.parts[part.shard] !== undefined) return false;
		waiting.parts[part.shard] = part;
		waiting.missing--;
		return waiting.missing === 0;
	}

	/** How long the set in COMMIT has been there, in ms; 0 when there is none. */
	committingMs(nowMs: number): number {
		return this.#committing === null ? 0 : nowMs - this.#takenAtMs;
	}

	/** The waiting set goes to COMMIT. Null when it is not there any more, or not complete. */
	take(set: number, nowMs: number): CommitSet | null {
		const waiting = this.#waiting;
		if (waiting === null || waiting.set !== set || waiting.missing > 0 || this.#committing !== null)
			return null;
		this.#committing = waiting;
		this.#takenAtMs = nowMs;
		this.#waiting = null;
		return sealed(waiting);
	}

	/** The set in COMMIT is durable. Null when it was dropped in the meantime. */
	committed(set: number): PendingSet | null {
		const done = this.#committing;
		if (done === null || done.set !== set) return null;
		this.#committing = null;
		return done;
	}

	/** These partitions are no longer ours: what is not in COMMIT is taken out. Returns the bytes set free. */
	forget(partitions: readonly number[]): number {
		let bytes = 0;
		for (const partition of partitions) {
			bytes += this.#open?.forget(partition) ?? 0;
			bytes += this.#waiting?.forget(partition) ?? 0;
		}
		if (this.#open?.ranges.size === 0) this.#open = null;
		return bytes;
	}

	/** Recovery: nothing uncommitted is kept. Returns how many records will be read again. */
	drop(): number {
		const records = this.pendingRecords;
		this.#open = null;
		this.#waiting = null;
		this.#committing = null;
		return records;
	}

	get pendingRecords(): number {
		return this.#sets().reduce((sum, set) => sum + set.records, 0);
	}

	/** Timestamp of the oldest record of a partition that is not stored yet; null when none is held. */
	oldestPendingMs(partition: number): number | null {
		for (const set of this.#sets()) {
			const first = set.ranges.get(partition)?.firstTimestampMs;
			if (first !== undefined && first !== null) return first;
		}
		return null;
	}

	#sets(): SetBeingBuilt[] {
		return [this.#committing, this.#waiting, this.#open].filter((set) => set !== null);
	}
}

/**
 * Puts parts and ranges together. Folds of a partition or epoch that the set does not cover are stale and left out;
 * for the others every routed record must have become one row or one dead letter (I2, asserted in production).
 */
function sealed(set: SetBeingBuilt): CommitSet {
	const parts = set.parts.filter((part) => part !== undefined);
	const folded = new Map<number, number>();
	const current = parts.map((part) => ({
		...part,
		folds: part.folds.filter((fold) => set.ranges.get(fold.partition)?.epoch === fold.epoch),
	}));
	for (const part of current) {
		for (const fold of part.folds) {
			folded.set(fold.partition, (folded.get(fold.partition) ?? 0) + fold.rowCount + fold.deadLetterCount);
		}
	}
	const ranges: SetRange[] = [...set.ranges.values()]
		.sort((a, b) => a.partition - b.partition)
		.map((range) => {
			const records = folded.get(range.partition) ?? 0;
			if (records !== range.records) {
				throw new BrokenPartitionError(
					range.partition,
					`${range.records} records were routed for set ${set.set}, ${records} folded`,
				);
			}
			return { ...range, gaps: range.to - range.from - range.records };
		});
	return { set: set.set, ranges, parts: current };
}
