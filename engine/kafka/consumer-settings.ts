/** How our consumer is set up. Numbers such as K5 name the row of docs/kafkajs.md that says why. */
import type { ConsumerConfig } from "kafkajs";
import { PARTITION_BYTES_LEAST } from "./fetch-size.ts";

/** With every partition paused kafkajs sleeps this long, and sees `resume` only then (K5); fetches wait longer (FETCH_WAIT_MS). */
const PAUSED_SLEEP_MS = 20;
const HEARTBEAT_INTERVAL_MS = 1_000;
/** Added partitions are seen this soon (K31): one small request to one broker, where kafkajs waits five minutes. */
const METADATA_MAX_AGE_MS = 5_000;
const REBALANCE_TIMEOUT_MS = 15_000;
/** A broker that is frozen for less comes back to the same consumer. */
const GROUP_SILENCE_MS_MIN = 75_000;

/** All but the group and who gets which partition. */
export function consumerSettings(
	sessionTimeoutMs: number,
): Omit<ConsumerConfig, "groupId"> & { rebalanceTimeout: number } {
	return {
		sessionTimeout: sessionTimeoutMs,
		rebalanceTimeout: Math.max(REBALANCE_TIMEOUT_MS, sessionTimeoutMs),
		heartbeatInterval: HEARTBEAT_INTERVAL_MS,
		maxWaitTimeInMs: PAUSED_SLEEP_MS,
		minBytes: 1,
		metadataMaxAge: METADATA_MAX_AGE_MS,
		// Only what kafkajs itself believes: topic-follower.ts says how much in each request (fetch-size.ts).
		maxBytesPerPartition: PARTITION_BYTES_LEAST,
		allowAutoTopicCreation: false,
		readUncommitted: false,
		// A consumer that died is replaced by us: kafkajs would start the old one again, without its seeks (K15, K17).
		retry: { restartOnFailure: async () => false },
	};
}

/** A group that has not answered for so long, in ms, does not come back to this consumer. */
export function groupSilenceMsMax(sessionTimeoutMs: number): number {
	return Math.max(2 * (sessionTimeoutMs + REBALANCE_TIMEOUT_MS), GROUP_SILENCE_MS_MIN);
}
