import type { Watermarks } from "./ports.ts";

/**
 * Records that are in Kafka and not yet counted in Postgres. Never counted below the log's start: what retention has
 * removed is not waiting any more (redpanda #30624).
 */
export function lagOf(durable: number, watermarks: Watermarks): number {
	return Math.max(0, watermarks.high - Math.max(durable, watermarks.low));
}

/**
 * Age of the oldest record that is not stored, in seconds; 0 without lag. `oldestPendingMs` is its Kafka timestamp when
 * the record is in memory. When it has not been read yet nobody knows its age: then the time since the lag was first
 * seen is used, which is too small for a backlog that nobody has touched, and never a false alarm.
 */
export function lagSecondsOf(
	lag: number,
	oldestPendingMs: number | null,
	lagSinceMs: number | null,
	nowMs: number,
): number {
	if (lag === 0) return 0;
	const since = oldestPendingMs !== null && oldestPendingMs >= 0 ? oldestPendingMs : lagSinceMs;
	return since === null ? 0 : Math.max(0, (nowMs - since) / 1000);
}
