/**
 * A seeded random generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, fast and good enough for
 * everything but secrets. `Math.random` cannot be seeded, and the same seed must give the same stream for ever: the
 * numbers of a run, a failing test, a benchmark can then be had again.
 */
export interface Random {
	/** Evenly spread whole number from 0 to 2^32 - 1. */
	next(): number;
	/** Evenly spread, 0 <= x < 1, 32 bits. */
	float(): number;
	/** Whole number, 0 <= x < bound; `bound` at most 2^32. The bias is below bound / 2^32. */
	below(bound: number): number;
	/** True with this probability. */
	chance(probability: number): boolean;
	/** One of them; the list must not be empty. */
	pick<T>(list: readonly T[]): T;
}

/** Numbers thrown away after seeding, until the bits of the seed have reached the whole state. */
const WARM_UP = 15;

/** @param seed any safe integer; its low and high 32 bits both count */
export function createRandom(seed: number): Random {
	let a = 0;
	let b = seed | 0;
	let c = Math.floor(seed / 2 ** 32) | 0;
	let counter = 1;

	function next(): number {
		const sum = (((a + b) | 0) + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = ((c << 21) | (c >>> 11)) + sum;
		c |= 0;
		return sum >>> 0;
	}
	for (let i = 0; i < WARM_UP; i++) next();

	const float = () => next() / 2 ** 32;
	const below = (bound: number) => Math.floor(float() * bound);
	return {
		next,
		float,
		below,
		chance: (probability) => float() < probability,
		pick: (list) => list[below(list.length)]!,
	};
}

/** Shuffles in place (Fisher and Yates, as Durstenfeld wrote it); every order is equally likely. */
export function shuffle<T>(list: T[], random: Random): void {
	for (let i = list.length - 1; i > 0; i--) {
		const j = random.below(i + 1);
		const swapped = list[i]!;
		list[i] = list[j]!;
		list[j] = swapped;
	}
}
