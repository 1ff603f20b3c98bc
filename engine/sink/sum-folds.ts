import type { PartitionFold } from "../../workers/part.ts";

/** Adds up one count of all folds. */
export function sumFolds(folds: readonly PartitionFold[], count: (fold: PartitionFold) => number): number {
	return folds.reduce((total, fold) => total + count(fold), 0);
}
