/**
 * When frames are due: so many events a second, evenly, whatever happens. Being late is made up for at once, for the
 * users of a platform do not wait either.
 */
export class LoadPace {
	#perSecond = 0;
	#nextDueMs = Number.POSITIVE_INFINITY;

	get perSecond(): number {
		return this.#perSecond;
	}

	/** When the next frame is due, on the clock of `nowMs`; infinite at rate 0. */
	get nextDueMs(): number {
		return this.#nextDueMs;
	}

	/** From `nowMs` on; what was left of the wait for the next frame shrinks or grows with the rate. */
	setRate(perSecond: number, nowMs: number): void {
		const restMs = Math.max(0, this.#nextDueMs - nowMs);
		if (perSecond === 0) this.#nextDueMs = Number.POSITIVE_INFINITY;
		else if (this.#perSecond === 0) this.#nextDueMs = nowMs;
		else if (restMs > 0) this.#nextDueMs = nowMs + (restMs * this.#perSecond) / perSecond;
		this.#perSecond = perSecond;
	}

	/** The frame that was due has so many events: the next one is due when they have passed by. */
	advance(events: number): void {
		this.#nextDueMs += (events * 1000) / this.#perSecond;
	}
}
