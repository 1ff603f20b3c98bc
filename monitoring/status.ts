/**
 * What the engine says of itself: the answer of `/api/status`, and what the gauges of `/metrics` are read from.
 * Offsets are numbers (Kafka's are below 2^53 for ever); times are ms since 1970.
 */

export type EngineState = "starting" | "running" | "recovering" | "stopping" | "stopped" | "failed";

export type PartitionState = "joining" | "claiming" | "verifying" | "running" | "halted";

export interface PartitionStatus {
	readonly partition: number;
	readonly state: PartitionState;
	/** Why Kafka is paused for it; empty while it flows. */
	readonly pausedReasons: readonly string[];
	/** Why it was halted, for people. */
	readonly haltReason: string | null;
	readonly epoch: number | null;
	/** Next offset to accept from Kafka; null before the claim. */
	readonly expectedOffset: number | null;
	/** Postgres has counted the partition up to here; null before the claim. */
	readonly durableOffset: number | null;
	readonly lowWatermark: number | null;
	readonly highWatermark: number | null;
	/** When the watermarks were read. */
	readonly watermarksAtMs: number | null;
	/** High watermark less the durable offset, never counted below the log start; null when either is unknown. */
	readonly lag: number | null;
	/** 0 without lag, else the age of the oldest record that is not stored yet. */
	readonly lagSeconds: number | null;
	/** Newest event time stored, the partition's watermark. */
	readonly newestEventMs: number | null;
	/** Record timestamp of the last record stored. */
	readonly lastRecordMs: number | null;
}

export interface ActorStatus {
	readonly shard: number;
	/** Slices posted and not yet folded. */
	readonly mailboxSlices: number;
	readonly mailboxBytes: number;
	/** Time spent folding since the thread started, in ms. */
	readonly busyMs: number;
	readonly startedAtMs: number;
	readonly restarts: number;
	readonly slicesFolded: number;
	/** Records routed to it since the engine started; what is read again after a recovery counts again. */
	readonly recordsPosted: number;
}

export interface SetStatus {
	readonly set: number;
	readonly records: number;
	readonly bytes: number;
	readonly ageMs: number;
}

export interface FlushStatus {
	/** Sets that wait for the writer. */
	readonly queueDepth: number;
	readonly lastCommitAtMs: number | null;
	readonly lastDurationMs: number | null;
	readonly lastRows: number | null;
	readonly commits: number;
	/** Consecutive failures since the last commit. */
	readonly failures: number;
	readonly lastError: string | null;
}

/** How long events of the last minute took from their Kafka timestamp to their commit. */
export interface LatencyStatus {
	readonly windowSeconds: number;
	/** Records committed within the window. */
	readonly records: number;
	readonly p50Seconds: number;
	readonly p95Seconds: number;
	readonly p99Seconds: number;
}

export interface EngineStatus {
	readonly version: string;
	readonly pid: number;
	readonly state: EngineState;
	/** Empty when ready, else what is missing, for people. */
	readonly notReady: readonly string[];
	readonly startedAtMs: number;
	readonly topic: string;
	readonly groupId: string;
	readonly clusterId: string | null;
	readonly incarnation: number;
	readonly partitions: readonly PartitionStatus[];
	readonly actors: readonly ActorStatus[];
	readonly sets: {
		readonly open: SetStatus | null;
		readonly waiting: SetStatus | null;
		readonly committing: SetStatus | null;
	};
	readonly credit: {
		/** Bytes in slices under way to the actors, and the limit at which Kafka is paused. */
		readonly actorBytes: number;
		readonly actorBytesMax: number;
		/** Bytes in sets that are not committed yet, and the limit at which Kafka is paused. */
		readonly setBytes: number;
		readonly setBytesMax: number;
	};
	/** Hours with uncommitted deltas. */
	readonly openHours: number;
	readonly flush: FlushStatus;
	/** Null when nothing was committed within its window. */
	readonly latency: LatencyStatus | null;
	readonly kafka: {
		/** Why it does not answer, for people; null while it does. */
		readonly trouble: string | null;
	};
	readonly postgres: {
		/** Why it does not take what is to be stored, for people; null while it does. */
		readonly trouble: string | null;
		/** Age of the oldest transaction whose snapshot keeps dead rows from being cleaned; null when none is seen. */
		readonly oldestSnapshotSeconds: number | null;
	};
	/** The newest stored messages (at least 10,000 once there are as many), and how many of them are dead letters. */
	readonly invalid: { readonly records: number; readonly deadLetters: number; readonly ratioMax: number };
	readonly totals: {
		/** Records accepted from Kafka; those read again after a recovery count again. */
		readonly consumed: number;
		readonly stored: number;
		readonly deadLetters: number;
		readonly deadLettersByReason: Readonly<Record<string, number>>;
		/** Events stored that were more than an hour older than their Kafka record. */
		readonly late: number;
		/** Time spent in committed transactions, in ms: its difference is how busy the writer was. */
		readonly committingMs: number;
		readonly recoveries: number;
		readonly rebalances: number;
	};
}
