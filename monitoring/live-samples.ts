/**
 * The engine's figures of the last quarter of an hour, one sample a second: what rates and the windows of the alerts are
 * computed from, so that a page which was opened this moment knows what went before. A sample is a few numbers, and
 * taking one costs some microseconds.
 */
import { totalLag } from "./lag-totals.ts";
import type { LiveHistory, Rates } from "./live.ts";
import type { EngineStatus } from "./status.ts";

export const SAMPLE_INTERVAL_MS = 1_000;
/** The longest window of an alert. */
const SAMPLES_MAX = 15 * 60;
/** Sets are committed up to once a second: over less time a rate jumps. */
const RATE_WINDOW_MS = 5_000;
const RATE_SAMPLES = RATE_WINDOW_MS / SAMPLE_INTERVAL_MS;

export interface Sample {
	readonly atMs: number;
	readonly consumed: number;
	readonly stored: number;
	readonly deadLetters: number;
	readonly late: number;
	readonly commits: number;
	readonly committingMs: number;
	readonly actorBusyMs: readonly number[];
	readonly actorRecords: readonly number[];
	/** Sum over the partitions whose lag is known; null when none is. */
	readonly lag: number | null;
	/** Of `status.latency`. */
	readonly p50Seconds: number | null;
	readonly p99Seconds: number | null;
	readonly rebalances: number;
	readonly restarts: number;
	readonly actorsBehind: boolean;
	readonly postgresBehind: boolean;
}

export function sampleOf(status: EngineStatus, atMs: number): Sample {
	const { totals, flush, actors, partitions } = status;
	const isPausedFor = (reason: string) =>
		partitions.some(({ pausedReasons }) => pausedReasons.includes(reason));
	return {
		atMs,
		consumed: totals.consumed,
		stored: totals.stored,
		deadLetters: totals.deadLetters,
		late: totals.late,
		commits: flush.commits,
		committingMs: totals.committingMs,
		actorBusyMs: actors.map(({ busyMs }) => busyMs),
		actorRecords: actors.map(({ recordsPosted }) => recordsPosted),
		lag: totalLag(status),
		p50Seconds: status.latency?.p50Seconds ?? null,
		p99Seconds: status.latency?.p99Seconds ?? null,
		rebalances: totals.rebalances,
		restarts: actors.reduce((sum, actor) => sum + actor.restarts, 0),
		actorsBehind: isPausedFor("actors"),
		postgresBehind: isPausedFor("flush"),
	};
}

export class LiveSamples {
	/** Oldest first. */
	readonly #samples: Sample[] = [];

	add(sample: Sample): void {
		this.#samples.push(sample);
		if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
	}

	get newest(): Sample | null {
		return this.#samples.at(-1) ?? null;
	}

	/** Samples of the last `windowMs` before the newest one, oldest first. */
	within(windowMs: number): readonly Sample[] {
		const fromMs = (this.newest?.atMs ?? 0) - windowMs;
		const first = this.#samples.findIndex(({ atMs }) => atMs >= fromMs);
		return first < 0 ? [] : this.#samples.slice(first);
	}

	rates(): Rates {
		const window = this.#samples.slice(-RATE_SAMPLES - 1);
		const [first, last] = [window[0], window.at(-1)];
		const seconds = first === undefined || last === undefined ? 0 : (last.atMs - first.atMs) / 1000;
		const per = (pick: (sample: Sample) => number): number | null =>
			seconds > 0 ? Math.max(0, pick(last!) - pick(first!)) / seconds : null;
		// A fold or a commit is booked when it ends: one that began before the window may fill more than all of it.
		const share = (pick: (sample: Sample) => number): number | null => {
			const msPerSecond = per(pick);
			return msPerSecond === null ? null : Math.min(1, msPerSecond / 1000);
		};
		const shareOfLooks = (pick: (sample: Sample) => boolean): number =>
			window.length === 0 ? 0 : window.filter(pick).length / window.length;
		return {
			seconds,
			consumedPerSecond: per(({ consumed }) => consumed),
			storedPerSecond: per(({ stored }) => stored),
			deadLettersPerSecond: per(({ deadLetters }) => deadLetters),
			commitsPerSecond: per(({ commits }) => commits),
			writerBusy: share(({ committingMs }) => committingMs),
			actorsBusy: (last?.actorBusyMs ?? []).map((_, shard) =>
				share(({ actorBusyMs }) => actorBusyMs[shard] ?? 0),
			),
			actorsPerSecond: (last?.actorRecords ?? []).map((_, shard) =>
				per(({ actorRecords }) => actorRecords[shard] ?? 0),
			),
			actorsBehind: shareOfLooks(({ actorsBehind }) => actorsBehind),
			postgresBehind: shareOfLooks(({ postgresBehind }) => postgresBehind),
		};
	}

	history(): LiveHistory {
		const samples = this.#samples;
		const perSecond = (pick: (sample: Sample) => number): (number | null)[] =>
			samples.map((sample, i) => {
				const before = samples[Math.max(0, i - RATE_SAMPLES)]!;
				if (sample.atMs <= before.atMs) return null;
				return Math.round(Math.max(0, pick(sample) - pick(before)) / ((sample.atMs - before.atMs) / 1000));
			});
		return {
			atMs: samples.map(({ atMs }) => atMs),
			consumedPerSecond: perSecond(({ consumed }) => consumed),
			storedPerSecond: perSecond(({ stored }) => stored),
			lag: samples.map(({ lag }) => lag),
			p50Seconds: samples.map(({ p50Seconds }) => p50Seconds),
			p99Seconds: samples.map(({ p99Seconds }) => p99Seconds),
		};
	}
}
