/** The middle of a few repetitions: one of them that a neighbour disturbed does not move it. */

/**
 * The value in the middle; of an even number the mean of both.
 * @throws RangeError without values
 */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const upper = sorted[sorted.length >> 1];
	const lower = sorted[(sorted.length - 1) >> 1];
	if (upper === undefined || lower === undefined) throw new RangeError("no values to take the median of");
	return (lower + upper) / 2;
}

/** The same where some values may be unknown: null then. */
export function medianOrNull(values: readonly (number | null)[]): number | null {
	const known = values.filter((value) => value !== null);
	return known.length === 0 || known.length < values.length ? null : median(known);
}

/**
 * The repetition in the middle by its figure (of an even number the lower one), to show as it was.
 * @throws RangeError without repetitions
 */
export function middleOf<T>(runs: readonly T[], figure: (run: T) => number): T {
	const sorted = runs.toSorted((a, b) => figure(a) - figure(b));
	const middle = sorted[(sorted.length - 1) >> 1];
	if (middle === undefined) throw new RangeError("no runs to take the middle of");
	return middle;
}
