/** Endless mutated events from a seed, each through the differential. */
import type { Random } from "../../producer/random.ts";
import { Differential, type Outcome } from "./differential.ts";
import { eventText, type Tricks } from "./event-texts.ts";
import { mutated } from "./mutations.ts";

/** Most are whole before the bytes are damaged: damage to what is refused anyway finds nothing. */
const MOODS: readonly Tricks[] = [
	{ trickRatio: 0, spaceRatio: 0, extraRatio: 0 },
	{ trickRatio: 0, spaceRatio: 0.3, extraRatio: 0.2 },
	{ trickRatio: 0.02, spaceRatio: 0.05, extraRatio: 0.1 },
	{ trickRatio: 0.1, spaceRatio: 0.1, extraRatio: 0.3 },
];
const MUTATIONS_MAX = 2;
const NOTHING = Buffer.alloc(0);

export class Campaign {
	readonly counts: Record<Outcome, number> = { taken: 0, "left good": 0, "left bad": 0 };
	readonly #random: Random;
	readonly #differential = new Differential();
	#previous: Buffer = NOTHING;

	constructor(random: Random) {
		this.#random = random;
	}

	/** Compares one more value; gives what went wrong, or null. */
	next(): string | null {
		const random = this.#random;
		let value: Buffer = Buffer.from(eventText(random, random.pick(MOODS)), "latin1");
		const other = this.#previous;
		this.#previous = value;
		const times = random.below(MUTATIONS_MAX + 1);
		for (let i = 0; i < times; i++) value = mutated(value, other, random);
		// What was cut off stands behind it in every other case: a scanner that reads on would find the whole event.
		const isCut = random.chance(0.1);
		const cut = isCut ? random.below(value.length + 1) : value.length;
		const after = isCut ? value.subarray(cut) : random.chance(0.5) ? other : NOTHING;
		value = value.subarray(0, cut);
		try {
			this.counts[this.#differential.compare(value, other, after)]++;
			return null;
		} catch (error) {
			const hex = [other, value, after].map((bytes) => bytes.toString("hex") || "(nothing)");
			return `${String(error)}\nbefore ${hex[0]}\nvalue  ${hex[1]}\nafter  ${hex[2]}\n${value.toString("latin1")}`;
		}
	}

	summary(): string {
		const { taken, "left good": good, "left bad": bad } = this.counts;
		return `${taken} taken, ${good} left and good, ${bad} left and bad`;
	}
}
