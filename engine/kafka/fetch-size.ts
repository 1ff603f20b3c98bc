/**
 * What a fetch asks for at least over all partitions, and what of one of them at most, in bytes: a request, and each
 * partition in an answer, cost the same whether they bring much or little (perf/README.md), and what comes of one
 * partition is in flight whole.
 */
const REQUEST_BYTES_LEAST = 4 * 1024 * 1024;
const PARTITION_BYTES_MOST = 1024 * 1024;
/** However many partitions there are. */
export const PARTITION_BYTES_LEAST = 128 * 1024;

/** Bytes to ask for of each of so many partitions. */
export function fetchBytesEach(partitions: number): number {
	const share = Math.min(Math.floor(REQUEST_BYTES_LEAST / partitions), PARTITION_BYTES_MOST);
	return Math.max(share, PARTITION_BYTES_LEAST);
}
