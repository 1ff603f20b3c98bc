/**
 * Whether it is worth to keep committed pairs of one kind, and to ask for them (stored-ids.ts). Where pairs hardly come
 * again (one login of a session, late events of a month, each event a new user) that was a third of an actor's work and
 * much of its memory, and spared Postgres nothing. Where they do come again, nothing spares it more.
 */

/** Decided anew after so many pairs and events: more than a busy hour's beginning, where everybody is new. */
const WINDOW = 32_768;
/** While it is not worth it, one set in so many tries. No power of two: partitions come in turns. */
const TRIAL_EVERY = 7;
/** It is no longer worth it when fewer events than a quarter of the unknown pairs met a pair that was known. */
const UNKNOWN_PER_KNOWN_MAX = 4;

export class WorthAsking {
	#isWorthIt = true;
	#sets = 0;
	#known = 0;
	#unknown = 0;

	/** Whether the set that begins shall ask, and have its pairs kept when it is committed. */
	next(): boolean {
		if (this.#isWorthIt) return true;
		this.#sets = (this.#sets + 1) % TRIAL_EVERY;
		return this.#sets === 0;
	}

	/** A set that asked is committed: `known` events met a pair that was kept, `unknown` pairs were not. */
	learn(known: number, unknown: number): void {
		this.#known += known;
		this.#unknown += unknown;
		if (this.#known + this.#unknown < WINDOW) return;
		// Only the trials' pairs are kept, so only their share of what would be known is.
		const wouldBeKnown = this.#isWorthIt ? this.#known : this.#known * TRIAL_EVERY;
		this.#isWorthIt = wouldBeKnown * UNKNOWN_PER_KNOWN_MAX >= this.#unknown;
		this.#known = 0;
		this.#unknown = 0;
	}
}
