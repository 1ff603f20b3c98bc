/**
 * Whether it is worth to keep committed pairs of one kind, and to ask for them (stored-ids.ts). Where pairs hardly come
 * again (one login of a session, late events of a month, each event a new user) that was a third of an actor's work and
 * much of its memory, and spared Postgres nothing. Where they do come again, nothing spares it more.
 *
 * Each partition's share of a set decides once, when it begins. Wrong decisions cost work and never a count.
 */

/** Decided anew after so many pairs and events: more than a busy hour's beginning, where everybody is new. */
export const WINDOW_MAX = 32_768;
/** While it is not worth it, one share in so many is a trial. */
const TRIAL_EVERY = 8;
/** It is no longer worth it when fewer events than a quarter of the unknown pairs met a pair that was known. */
const UNKNOWN_PER_KNOWN_MAX = 4;

export class WorthAsking {
	readonly #window: number;
	#isWorthIt = true;
	#shares = 0;
	#known = 0;
	#unknown = 0;

	/** `window`: how many pairs and events decide. */
	constructor(window: number) {
		this.#window = window;
	}

	/**
	 * Asked by a share that begins. 0: it shall neither ask nor have its pairs kept. Else it shall, and each event whose pair
	 * it knows stands for so many: of what trials would know, only their own pairs are kept.
	 */
	next(): number {
		if (this.#isWorthIt) return 1;
		return mixed(this.#shares++) % TRIAL_EVERY === 0 ? TRIAL_EVERY : 0;
	}

	/** A share that asked is committed: events that stand for `known` met a pair that was kept, `unknown` pairs were not. */
	learn(known: number, unknown: number): void {
		this.#known += known;
		this.#unknown += unknown;
		if (this.#known + this.#unknown < this.#window) return;
		this.#isWorthIt = this.#known * UNKNOWN_PER_KNOWN_MAX >= this.#unknown;
		this.#known = 0;
		this.#unknown = 0;
	}
}

/** MurmurHash3's finalizer: partitions come in turns, and every eighth share could always be the same one's. */
function mixed(count: number): number {
	let bits = Math.imul(count ^ (count >>> 16), 0x85ebca6b);
	bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
	return (bits ^ (bits >>> 16)) >>> 0;
}
