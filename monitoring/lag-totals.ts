/** The lag of a whole engine, of its partitions that are known. */
import type { EngineStatus } from "./status.ts";

type Partitions = Pick<EngineStatus, "partitions">;

/** Events that wait, over all partitions; null when no partition's lag is known. */
export function totalLag({ partitions }: Partitions): number | null {
	const known = partitions.flatMap(({ lag }) => (lag === null ? [] : [lag]));
	return known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0);
}

/** The age of the oldest record not stored, over all partitions, in seconds; null when none is known. */
export function worstLagSeconds({ partitions }: Partitions): number | null {
	const known = partitions.flatMap(({ lagSeconds }) => (lagSeconds === null ? [] : [lagSeconds]));
	return known.length === 0 ? null : Math.max(...known);
}
