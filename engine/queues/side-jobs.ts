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

/**
 * Jobs beside the path of an event: merged while they wait (1,000 pushes become two calls), retried a few times, and
 * given up with a line in the log. Nothing waits for them.
 */
export class QueuedSideJobs implements SideJobs {
	readonly #publish: MergedJob<ReadonlyMap<number, number>>;
	readonly #days: MergedJob<number>;

	constructor(work: SideWork, log: Log) {
		this.#publish = new MergedJob(
			"publish offsets",
			PUBLISH_INTERVAL_MS,
			log,
			work.publish,
			(older, newer) => {
				return new Map([...older, ...newer]);
			},
		);
		this.#days = new MergedJob("make day partitions", DAYS_INTERVAL_MS, log, work.days, Math.max);
	}

	publish(durable: ReadonlyMap<number, number>): void {
		this.#publish.push(durable);
	}

	days(newestEventMs: number): void {
		this.#days.push(newestEventMs);
	}

	/** Takes no further job; one under way goes on. */
	stop(): void {
		this.#publish.stop();
		this.#days.stop();
	}
}

/**
 * One kind of job. What is to be done is kept here and merged in the order of the pushes; better-queue is given an
 * empty task under one id and decides when. Its own merging would take a retried task for the newer one, and publish
 * offsets that are older than the ones published since.
 */
class MergedJob<T> {
	readonly #queue: BetterQueue<{ readonly id: string }, void>;
	readonly #merge: (older: T, newer: T) => T;
	#waiting: { readonly payload: T } | null = null;

	constructor(
		name: string,
		intervalMs: number,
		log: Log,
		work: (payload: T) => Promise<void>,
		merge: (older: T, newer: T) => T,
	) {
		this.#merge = merge;
		this.#queue = new BetterQueue({
			id: "id",
			concurrent: 1,
			afterProcessDelay: intervalMs,
			maxRetries: RETRIES,
			retryDelay: RETRY_DELAY_MS,
			process: (_task: unknown, done: (error?: unknown) => void) => {
				this.#run(work).then(
					() => done(),
					(error) => done(error),
				);
			},
		});
		this.#queue.on("task_failed", (_id, error) => {
			log.warn(
				{ component: "side-jobs", err: error },
				`could not ${name}; the next attempt comes with the next flush`,
			);
		});
	}

	push(payload: T): void {
		this.#waiting = {
			payload: this.#waiting === null ? payload : this.#merge(this.#waiting.payload, payload),
		};
		this.#queue.push({ id: "job" });
	}

	stop(): void {
		this.#queue.destroy(() => {});
	}

	async #run(work: (payload: T) => Promise<void>): Promise<void> {
		const taken = this.#taken();
		// A task that was pushed while another one took its payload along has nothing left to do.
		if (taken === null) return;
		try {
			await work(taken.payload);
		} catch (error) {
			// Back in front of what has come meanwhile; after the last try it goes with the next push.
			const newer = this.#taken();
			this.#waiting = {
				payload: newer === null ? taken.payload : this.#merge(taken.payload, newer.payload),
			};
			throw error;
		}
	}

	#taken(): { readonly payload: T } | null {
		const taken = this.#waiting;
		this.#waiting = null;
		return taken;
	}
}
