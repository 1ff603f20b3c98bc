/**
 * What a fetch asks for at least over all partitions, and what of one of them at most, in bytes: a request, and each
 * partition in an answer, cost the same whether they bring much or little (perf/README.md), and what comes of one
 * partition is in flight whole.
 */
const REQUEST_BYTES_LEAST = 4 * 1024 * 1024;
const PARTITION_BYTES_MOST = 1024 * 1024;
/** However many partitions there are. */
export const PARTITION_BYTES_LEAST = 128 * 1024;
/** An answer is taken whole, also when the limit is reached in the middle of it: a small limit wants small answers. */
const ANSWERS_IN_FLIGHT = 16;

/** Bytes to ask for of each of so many partitions, when so much may be in flight (`IN_FLIGHT_MB_MAX`). */
export function fetchBytesEach(partitions: number, inFlightBytesMax: number): number {
	const request = Math.min(REQUEST_BYTES_LEAST, inFlightBytesMax / ANSWERS_IN_FLIGHT);
	const share = Math.min(Math.floor(request / partitions), PARTITION_BYTES_MOST);
	return Math.max(share, PARTITION_BYTES_LEAST);
}
