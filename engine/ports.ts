/**
 * The four edges of the supervisor: time, Kafka, Postgres, threads. Everything it decides depends on these alone, so
 * that a simulation can replace them and replay any interleaving from a seed.
 */
import type { FlushPhases } from "../monitoring/commit-report.ts";
import type { FromActor, PartitionEpoch, RecordPlace, ToActor } from "../workers/messages.ts";
import type { FrozenPart } from "../workers/part.ts";

/** A timer that was set; `cancel` is safe after it fired. */
export interface Timer {
	cancel(): void;
}

export interface Clock {
	/** Wall-clock time in ms since 1970: for people, metrics and lag. No decision about data depends on it. */
	nowMs(): number;
	/** Monotonic time in ms: for deadlines and durations. */
	monotonicMs(): number;
	after(delayMs: number, action: () => void): Timer;
	/** 0 <= x < 1, for jitter. */
	random(): number;
}

/**
 * Walks over the records of one batch. Fields describe the current record; the byte ranges are only valid until the
 * batch handler returns and must be copied (kafkajs's values are slices of the fetch response, #1085).
 */
export interface RecordCursor {
	/** Moves to the next record; false at the end, where the fields go on describing the last one. */
	next(): boolean;
	offset: number;
	/** Record timestamp in ms, -1 when there is none. */
	timestampMs: number;
	/** Source of the value; null for a null value. */
	value: Uint8Array | null;
	valueStart: number;
	valueEnd: number;
	key: Uint8Array | null;
	keyStart: number;
	keyEnd: number;
	/** JSON text of the headers, or null when there are none. */
	headers: Uint8Array | null;
}

/** What one fetch brought for one partition. */
export interface SourceBatch {
	readonly partition: number;
	/** The position that was asked for: compared with `expected` before a record is touched. */
	readonly fetchedOffset: number;
	/** One past the last offset the batch covers, control records and aborted ones included. */
	readonly nextOffset: number;
	readonly records: RecordCursor;
	/** Moves the source's own position to `nextOffset`; only in the tick in which the batch was delivered. */
	resolve(): void;
	/** Why the records from `fetchedOffset` on cannot be read, for people; then there are none here. */
	readonly unreadable?: string;
}

/** Called synchronously by the source; nothing here may wait. */
export interface SourceListener {
	/** The group has decided; these are all our partitions. No record of them was fetched yet. */
	joined(partitions: readonly number[]): void;
	batch(batch: SourceBatch): void;
	/** A fetch from `fetchedOffset` held only control, aborted or compacted records, up to `lastOffset`. */
	skipped(partition: number, fetchedOffset: number, lastOffset: number): void;
	/** A heartbeat was answered: the group still counts us in. */
	heartbeat(): void;
	/** The consumer is dead and does not come back by itself. */
	crashed(error: Error): void;
}

export interface Watermarks {
	readonly low: number;
	readonly high: number;
}

/** Why a consumer is thrown away: it died, brings nothing though there is something, or is not where it should be. */
export type RebuildReason = "crash" | "stall" | "position";

export interface Source {
	start(listener: SourceListener): Promise<void>;
	/** Leaves the group and closes. Bounded by its own deadline; safe twice. */
	stop(): Promise<void>;
	/** Throws the consumer away and joins with a new one. */
	rebuild(reason: RebuildReason): Promise<void>;
	pause(partitions: readonly number[]): void;
	resume(partitions: readonly number[]): void;
	seek(partition: number, offset: number): void;
	/** Low and high watermarks of every partition of the topic, asked from the brokers now. */
	watermarks(): Promise<ReadonlyMap<number, Watermarks>>;
	/** Tells Kafka how far Postgres is, for lag tools outside. Never read back (K24). */
	publish(offsets: ReadonlyMap<number, number>): Promise<void>;
}

/** What identifies the last record that was counted, to recognise a topic that was deleted and created again. */
export interface RecordIdentity {
	readonly offset: number;
	readonly timestampMs: number;
	/** First 16 bytes of the SHA-256 of key and value. */
	readonly hash: Uint8Array;
}

/** Messages of the last ones (`InvalidWindow`), and how many of them became dead letters. */
export interface RecentCounts {
	readonly records: number;
	readonly deadLetters: number;
}

/** One partition's stretch of offsets in a set: `[from, to)`. */
export interface SetRange extends PartitionEpoch {
	readonly from: number;
	readonly to: number;
	/** Records routed to actors; the rest of `to - from` are gaps. */
	readonly records: number;
	readonly gaps: number;
	readonly last: RecordIdentity | null;
}

/** A complete set: every actor has answered its barrier. The unit of commit. */
export interface CommitSet {
	readonly set: number;
	readonly ranges: readonly SetRange[];
	readonly parts: readonly FrozenPart[];
}

/** Time each step of a commit took, in seconds. */
export type CommitPhases = FlushPhases;

export interface Claim extends PartitionEpoch {
	readonly nextOffset: number;
	readonly last: RecordIdentity | null;
	readonly newestEventMs: number | null;
	/** As of the row's last move, which was at `atMs` of the server's clock. */
	readonly recent: RecentCounts & { readonly atMs: number };
}

/** What Postgres says of itself when it is asked whether it is there. */
export interface Pulse {
	/**
	 * Age of the oldest snapshot that keeps dead rows from being cleaned, in seconds: behind a forgotten psql the hot rows
	 * grow slower with every flush. Null when there is none, or when our role may not see it.
	 */
	readonly oldestSnapshotSeconds: number | null;
}

/** What Postgres is asked for. All failures reject with an `EngineError` or a driver error; none leaves a doubt behind. */
export interface Store {
	/** Step 2: raises the epoch of these partitions; `lowWatermarks` is where a partition never seen starts. */
	claim(lowWatermarks: ReadonlyMap<number, number>): Promise<readonly Claim[]>;
	/**
	 * Step 7: one transaction. `recent` is stored beside the offsets, for whoever claims a partition next. Rejects with
	 * `FencedError` when somebody else has claimed in between.
	 */
	commit(set: CommitSet, recent: ReadonlyMap<number, RecentCounts>): Promise<CommitPhases>;
	/** Called when a connection that writes or claims was lost while nothing was under way on it. Set by the supervisor. */
	onLost: (error: Error) => void;
	/** Rejects unless Postgres answers and takes writes. Independent of the other two. */
	ping(): Promise<Pulse>;
	/** Throws every connection away at once; whatever was under way fails. */
	reset(): void;
	close(): Promise<void>;
}

export interface ActorListener {
	message(shard: number, message: FromActor): void;
	/** The thread is gone; its state and its mailbox with it. */
	lost(shard: number, error: Error): void;
}

export interface ActorPort {
	readonly count: number;
	start(listener: ActorListener): Promise<void>;
	post(shard: number, message: ToActor, transfer?: readonly ArrayBuffer[]): void;
	/** The suspect this actor has, or had when it died, in hand; null when none (`care`). */
	inHand(shard: number): RecordPlace | null;
	/** A new thread for this shard, empty. */
	replace(shard: number): Promise<void>;
	stop(): Promise<void>;
}
