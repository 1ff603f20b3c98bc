/**
 * What a fetch asks for, in bytes: a request, and each partition in an answer, cost the same whether they bring much or
 * little (perf/README.md), and what comes of one partition is in flight whole.
 */
const REQUEST_BYTES = 4 * 1024 * 1024;
const PARTITION_BYTES_MOST = 1024 * 1024;
/** However many partitions there are, where all of them are answered at once. */
export const PARTITION_BYTES_LEAST = 128 * 1024;
/** An answer is taken whole, also when the limit is reached in the middle of it: a small limit wants small answers. */
const ANSWERS_IN_FLIGHT = 16;

/**
 * Of a whole answer, and of each partition in it, when so much may be in flight (`IN_FLIGHT_MB_MAX`). The first few
 * partitions of a request may fill its answer: it is for requests that take turns (fetch-turns.ts).
 */
export function fetchBytes(inFlightBytesMax: number): {
	readonly request: number;
	readonly partition: number;
} {
	const request = Math.min(REQUEST_BYTES, Math.floor(inFlightBytesMax / ANSWERS_IN_FLIGHT));
	return { request, partition: Math.min(request, PARTITION_BYTES_MOST) };
}

/** Of each of so many partitions, where all of them are answered at once. */
export function fetchBytesEach(partitions: number, inFlightBytesMax: number): number {
	const { request, partition } = fetchBytes(inFlightBytesMax);
	return Math.max(Math.min(Math.floor(request / partitions), partition), PARTITION_BYTES_LEAST);
}
