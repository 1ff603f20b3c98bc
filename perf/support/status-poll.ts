/** Follows an engine from outside, through `/api/status`. */
import { setTimeout as sleep } from "node:timers/promises";

/** What a scenario needs of the status (monitoring/status.ts). */
export interface Progress {
	/** Stored events and dead letters, as of the last commit. */
	readonly done: number;
	readonly lastCommitAtMs: number | null;
	/** Records not committed yet, over all partitions; null while any is unknown. */
	readonly lag: number | null;
	readonly recoveries: number;
}

/** A status costs the engine about 0.1 ms of its main thread: 20 a second do not show in the rate. */
const POLL_INTERVAL_MS = 50;
const REQUEST_TIMEOUT_MS = 5000;

/** Null while the port is not open yet. */
async function readProgress(url: string): Promise<Progress | null> {
	let response: Response;
	try {
		response = await fetch(`${url}/api/status`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
	} catch {
		return null;
	}
	return progressOf((await response.json()) as StatusFields);
}

export interface StatusFields {
	readonly partitions: readonly { readonly lag: number | null }[];
	readonly flush: { readonly lastCommitAtMs: number | null };
	readonly totals: { readonly stored: number; readonly deadLetters: number; readonly recoveries: number };
}

export function progressOf({ partitions, flush, totals }: StatusFields): Progress {
	let lag: number | null = partitions.length === 0 ? null : 0;
	for (const partition of partitions)
		lag = lag === null || partition.lag === null ? null : lag + partition.lag;
	return {
		done: totals.stored + totals.deadLetters,
		lastCommitAtMs: flush.lastCommitAtMs,
		lag,
		recoveries: totals.recoveries,
	};
}

/**
 * Polls until `wanted` says so, and gives that progress.
 * @throws Error when `timeoutMs` pass without any change, or as soon as `ended` tells why the engine is gone.
 */
export async function waitFor(
	engine: { readonly url: string; ended(): string | null },
	wanted: (progress: Progress) => boolean,
	timeoutMs: number,
): Promise<Progress> {
	let last = "";
	let changedAtMs = performance.now();
	for (;;) {
		const ended = engine.ended();
		if (ended !== null) throw new Error(`the engine ended with ${ended}`);
		const progress = await readProgress(engine.url);
		if (progress !== null && wanted(progress)) return progress;
		const now = JSON.stringify(progress);
		if (now !== last) changedAtMs = performance.now();
		if (performance.now() - changedAtMs > timeoutMs) {
			throw new Error(`nothing has changed for ${timeoutMs / 1000} s: ${now}`);
		}
		last = now;
		await sleep(POLL_INTERVAL_MS);
	}
}
