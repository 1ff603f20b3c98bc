/** Follows engines from outside, through `/api/status`. */
import { setTimeout as sleep } from "node:timers/promises";
import { httpGet } from "./http-get.ts";

/** What a scenario needs of the status (monitoring/status.ts), over all engines that are followed. */
export interface Progress {
	/** Stored events and dead letters, as of the last commit. */
	readonly done: number;
	readonly lastCommitAtMs: number | null;
	/** Records not committed yet, over all partitions; null while any is unknown. */
	readonly lag: number | null;
	readonly recoveries: number;
	/** Records in sets that are not committed yet: being folded, waiting or being written. */
	readonly underWay: number;
}

export interface Followed {
	readonly url: string;
	ended(): string | null;
}

export interface FollowOptions {
	/** Longest time without another commit: an engine that only recovers again and again moves nothing. */
	readonly stallTimeoutMs: number;
	readonly signal?: AbortSignal;
	/** From one look to the next, in ms; default 50. */
	readonly everyMs?: number;
	readonly onProgress?: (progress: Progress) => void;
}

/** A status costs the engine about 0.2 ms of its main thread, and the one who asks as much. */
const POLL_INTERVAL_MS = 50;
const REQUEST_TIMEOUT_MS = 5000;

/** Null while the port is not open yet. */
export async function readProgress(url: string): Promise<Progress | null> {
	const body = await httpGet(`${url}/api/status`, REQUEST_TIMEOUT_MS);
	return body === null ? null : progressOf(JSON.parse(body) as StatusFields);
}

export interface StatusFields {
	readonly partitions: readonly { readonly lag: number | null }[];
	readonly flush: { readonly lastCommitAtMs: number | null };
	readonly sets: Readonly<Record<"open" | "waiting" | "committing", { readonly records: number } | null>>;
	readonly totals: { readonly stored: number; readonly deadLetters: number; readonly recoveries: number };
}

export function progressOf({ partitions, flush, sets, totals }: StatusFields): Progress {
	let lag: number | null = partitions.length === 0 ? null : 0;
	for (const partition of partitions)
		lag = lag === null || partition.lag === null ? null : lag + partition.lag;
	return {
		done: totals.stored + totals.deadLetters,
		lastCommitAtMs: flush.lastCommitAtMs,
		lag,
		recoveries: totals.recoveries,
		underWay: [sets.open, sets.waiting, sets.committing].reduce((sum, set) => sum + (set?.records ?? 0), 0),
	};
}

/** Of engines that share a group. An engine without partitions yet is unknown lag; without a commit it adds nothing. */
export function combined(parts: readonly (Progress | null)[]): Progress | null {
	let all: Progress | null = null;
	for (const part of parts) {
		if (part === null) return null;
		all = all === null ? part : sumOf(all, part);
	}
	return all;
}

function sumOf(a: Progress, b: Progress): Progress {
	const commits = [a.lastCommitAtMs, b.lastCommitAtMs].filter((at) => at !== null);
	return {
		done: a.done + b.done,
		lastCommitAtMs: commits.length === 0 ? null : Math.max(...commits),
		lag: a.lag === null || b.lag === null ? null : a.lag + b.lag,
		recoveries: a.recoveries + b.recoveries,
		underWay: a.underWay + b.underWay,
	};
}

/**
 * Polls until `wanted` says so, and gives that progress.
 * @throws Error when `stallTimeoutMs` pass without another commit, as soon as an engine has ended, or at an abort.
 */
export async function waitFor(
	engines: readonly Followed[],
	wanted: (progress: Progress) => boolean,
	{ stallTimeoutMs, signal, onProgress, everyMs = POLL_INTERVAL_MS }: FollowOptions,
): Promise<Progress> {
	let done: number | null = null;
	let changedAtMs = performance.now();
	for (;;) {
		signal?.throwIfAborted();
		for (const engine of engines) {
			const ended = engine.ended();
			if (ended !== null) throw new Error(`the engine ended with ${ended}`);
		}
		const progress = combined(await Promise.all(engines.map(({ url }) => readProgress(url))));
		if (progress !== null) {
			onProgress?.(progress);
			if (wanted(progress)) return progress;
		}
		if ((progress?.done ?? null) !== done) changedAtMs = performance.now();
		done = progress?.done ?? null;
		if (performance.now() - changedAtMs > stallTimeoutMs) {
			throw new Error(`nothing was committed for ${stallTimeoutMs / 1000} s: ${JSON.stringify(progress)}`);
		}
		await sleep(everyMs, null, signal === undefined ? {} : { signal });
	}
}
