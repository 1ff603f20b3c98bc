/** A believable status for tests, to be changed field by field. */
import type { ActorStatus, EngineStatus, PartitionStatus } from "../../monitoring/status.ts";

/** 2025-06-01 12:00 UTC. */
export const NOW_MS = 1_748_779_200_000;

export function partitionStatus(partition: number, change: Partial<PartitionStatus> = {}): PartitionStatus {
	return {
		partition,
		state: "running",
		pausedReasons: [],
		haltReason: null,
		epoch: 3,
		expectedOffset: 120,
		durableOffset: 100,
		lowWatermark: 0,
		highWatermark: 150,
		watermarksAtMs: NOW_MS - 1000,
		lag: 50,
		lagSeconds: 2.5,
		newestEventMs: NOW_MS - 4000,
		lastRecordMs: NOW_MS - 3000,
		...change,
	};
}

export function actorStatus(shard: number, change: Partial<ActorStatus> = {}): ActorStatus {
	return {
		shard,
		mailboxSlices: 2,
		mailboxBytes: 2000,
		busyMs: 0,
		startedAtMs: NOW_MS,
		restarts: 0,
		slicesFolded: 10,
		recordsPosted: 1_000,
		...change,
	};
}

export function engineStatus(change: Partial<EngineStatus> = {}): EngineStatus {
	return {
		version: "1.2.3",
		pid: 4711,
		state: "running",
		notReady: [],
		startedAtMs: NOW_MS - 60_000,
		topic: "user_events",
		groupId: "lottery-engine",
		clusterId: "c1",
		incarnation: 1,
		partitions: [partitionStatus(0), partitionStatus(1)],
		actors: [actorStatus(0), actorStatus(1)],
		sets: { open: null, waiting: null, committing: null },
		credit: { actorBytes: 1000, actorBytesMax: 10_000, setBytes: 2000, setBytesMax: 20_000 },
		openHours: 3,
		flush: {
			queueDepth: 1,
			lastCommitAtMs: NOW_MS - 200,
			lastDurationMs: 12,
			lastRows: 345,
			commits: 7,
			failures: 0,
			lastError: null,
		},
		latency: { windowSeconds: 60, records: 100, p50Seconds: 0.1, p95Seconds: 0.3, p99Seconds: 0.4 },
		kafka: { trouble: null },
		postgres: { trouble: null, oldestSnapshotSeconds: null },
		invalid: { records: 400, deadLetters: 20, ratioMax: 0.9 },
		totals: {
			consumed: 120,
			stored: 100,
			deadLetters: 2,
			deadLettersByReason: { json: 2 },
			late: 3,
			committingMs: 84,
			recoveries: 0,
			rebalances: 1,
		},
		...change,
	};
}
