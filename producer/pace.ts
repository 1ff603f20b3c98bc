/** Holding a rate: so many events a second, evenly, without making up for a long pause by a flood. */

/** Time as the producer needs it; a test brings its own. */
export interface PaceClock {
	/** Monotonic, in ms. */
	nowMs(): number;
	/** Resolves after the time, or as soon as the signal is aborted. Never rejects. */
	sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

export interface Pace {
	/** Waits until `count` more events may go. */
	take(count: number, signal: AbortSignal): Promise<void>;
}

/** Being late by more than this is not made up for: after a broker's restart the rate stays the rate. */
const CATCH_UP_MS_MAX = 1_000;

/** Sleeps shorter than this are not worth a timer, which is not exact to a millisecond anyway. */
const SLEEP_MS_MIN = 2;

/** @param perSecond events a second; null: as fast as it goes */
export function createPace(perSecond: number | null, clock: PaceClock): Pace {
	if (perSecond === null) return { take: async () => undefined };
	const intervalMs = 1000 / perSecond;
	let dueMs: number | null = null;
	return {
		async take(count, signal) {
			const nowMs = clock.nowMs();
			dueMs = Math.max(dueMs ?? nowMs, nowMs - CATCH_UP_MS_MAX);
			const waitMs = dueMs - nowMs;
			dueMs += count * intervalMs;
			if (waitMs >= SLEEP_MS_MIN) await clock.sleep(waitMs, signal);
		},
	};
}
