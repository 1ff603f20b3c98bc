/** Waiting for a running engine. Only for tests of real processes: a unit test has a clock of its own. */
import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
	/** Longest wait, in ms. */
	readonly deadlineMs?: number;
	/** Pause between two looks, in ms. */
	readonly everyMs?: number;
	/** What is waited for, for the error. */
	readonly what?: string;
}

/** A loaded machine of two cores starts an engine in some seconds; what takes longer than this is stuck. */
const DEADLINE_MS = 120_000;
const EVERY_MS = 50;

/**
 * Looks until `condition` gives something truthy, and returns that. An error of the condition counts as "not yet": the
 * server it asks may be the one that is being restarted.
 * @throws Error after the deadline, with what was seen last
 */
export async function waitUntil<T>(
	condition: () => T | Promise<T>,
	{ deadlineMs = DEADLINE_MS, everyMs = EVERY_MS, what = "the condition" }: WaitOptions = {},
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
	const deadline = performance.now() + deadlineMs;
	let last: unknown;
	for (;;) {
		try {
			const value = await condition();
			if (value) return value as Exclude<T, false | null | undefined | 0 | "">;
			last = value;
		} catch (error) {
			last = error;
		}
		if (performance.now() >= deadline) {
			const seen = last instanceof Error ? last.message : JSON.stringify(last);
			throw new Error(`${what} did not come within ${deadlineMs} ms; last seen: ${seen}`, {
				cause: last,
			});
		}
		await sleep(everyMs);
	}
}
