import BetterQueue from "better-queue";
import type { Log } from "../log.ts";
import type { SideJobs } from "../supervisor-parts.ts";

/** What a job does when its turn comes; rejecting means: try again later. */
export interface SideWork {
	publish(durable: ReadonlyMap<number, number>): Promise<void>;
	days(newestEventMs: number): Promise<void>;
}

/** Offsets in Kafka are a courtesy to lag tools: once a second is plenty. */
const PUBLISH_INTERVAL_MS = 1_000;
/** New days come once a day; a flush that brings none must not ask Postgres. */
const DAYS_INTERVAL_MS = 5_000;
const RETRIES = 3;
const RETRY_DELAY_MS = 2_000;

interface Job<T> {
	readonly id: string;
	readonly payload: T;
}

/**
 * Jobs beside the path of an event: merged by id while they wait (1,000 pushes become two calls), retried a few times,
 * and given up with a line in the log. Nothing waits for them.
 */
export class QueuedSideJobs implements SideJobs {
	readonly #publish: BetterQueue<Job<ReadonlyMap<number, number>>, void>;
	readonly #days: BetterQueue<Job<number>, void>;

	constructor(work: SideWork, log: Log) {
		this.#publish = queueOf("publish offsets", PUBLISH_INTERVAL_MS, log, work.publish, (older, newer) => {
			return new Map([...older, ...newer]);
		});
		this.#days = queueOf("make day partitions", DAYS_INTERVAL_MS, log, work.days, Math.max);
	}

	publish(durable: ReadonlyMap<number, number>): void {
		this.#publish.push({ id: "publish", payload: durable });
	}

	days(newestEventMs: number): void {
		this.#days.push({ id: "days", payload: newestEventMs });
	}

	/** Takes no further job; one under way goes on. */
	stop(): void {
		this.#publish.destroy(() => {});
		this.#days.destroy(() => {});
	}
}

function queueOf<T>(
	name: string,
	intervalMs: number,
	log: Log,
	work: (payload: T) => Promise<void>,
	merge: (older: T, newer: T) => T,
): BetterQueue<Job<T>, void> {
	const queue = new BetterQueue<Job<T>, void>({
		id: "id",
		concurrent: 1,
		afterProcessDelay: intervalMs,
		maxRetries: RETRIES,
		retryDelay: RETRY_DELAY_MS,
		merge(older: Job<T>, newer: Job<T>, done: (error: unknown, job: Job<T>) => void) {
			done(null, { id: newer.id, payload: merge(older.payload, newer.payload) });
		},
		process(job: Job<T>, done: (error?: unknown) => void) {
			work(job.payload).then(
				() => done(),
				(error) => done(error),
			);
		},
	});
	queue.on("task_failed", (_id, error) => {
		log.warn(
			{ component: "side-jobs", err: error },
			`could not ${name}; the next attempt comes with the next flush`,
		);
	});
	return queue;
}
