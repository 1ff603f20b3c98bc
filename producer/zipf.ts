/** Drawing ranks by Zipf's law in constant time: few users do much, many do little. */
import type { Random } from "./random.ts";

/** Weight of rank r (from 1) is 1 / r^SKEW; 0.9 gives the busiest 20 % of 10,000 users about 75 % of the events. */
const SKEW = 0.9;

/** Most ranks with weights of their own (16 bytes each). Ranks beyond are drawn evenly from the tail's share. */
export const RANKS_MAX = 5_000_000;

/**
 * Vose's alias method: one table look-up and one comparison a draw.
 * @returns a function giving ranks 0 <= r < count, rank 0 the most likely
 */
export function createZipf(count: number, random: Random): () => number {
	if (count > RANKS_MAX) throw new RangeError(`at most ${RANKS_MAX} ranks, not ${count}`);
	const scaled = new Float64Array(count);
	let total = 0;
	for (let rank = 0; rank < count; rank++) total += scaled[rank] = (rank + 1) ** -SKEW;
	for (let rank = 0; rank < count; rank++) scaled[rank]! *= count / total;

	const threshold = new Float64Array(count).fill(1);
	const alias = new Uint32Array(count);
	const small: number[] = [];
	const large: number[] = [];
	for (let rank = 0; rank < count; rank++) (scaled[rank]! < 1 ? small : large).push(rank);
	while (small.length > 0 && large.length > 0) {
		const less = small.pop()!;
		const more = large.at(-1)!;
		threshold[less] = scaled[less]!;
		alias[less] = more;
		scaled[more]! -= 1 - scaled[less]!;
		if (scaled[more]! < 1) small.push(large.pop()!);
	}
	return () => {
		const column = random.below(count);
		return random.float() < threshold[column]! ? column : alias[column]!;
	};
}
