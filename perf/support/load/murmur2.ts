/**
 * The partition of a key as the Java client and kafkajs decide it: murmur2 in the variant of Kafka
 * (`org.apache.kafka.common.utils.Utils.murmur2`), the sign bit cleared, modulo the partitions.
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** Hash of `bytes[from, to)`, a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, from: number, to: number): number {
	const length = to - from;
	let hash = SEED ^ length;
	const wordsEnd = from + (length & ~3);
	for (let at = from; at < wordsEnd; at += 4) {
		const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
		const mixed = Math.imul(word, M);
		hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M);
	}
	const rest = length & 3;
	if (rest > 0) {
		if (rest === 3) hash ^= bytes[wordsEnd + 2]! << 16;
		if (rest >= 2) hash ^= bytes[wordsEnd + 1]! << 8;
		hash = Math.imul(hash ^ bytes[wordsEnd]!, M);
	}
	hash = Math.imul(hash ^ (hash >>> 13), M);
	return hash ^ (hash >>> 15);
}

/** Partition of the key `bytes[from, to)`. */
export function partitionOfKey(bytes: Uint8Array, from: number, to: number, partitions: number): number {
	return (murmur2(bytes, from, to) & 0x7fffffff) % partitions;
}
