/**
 * Kafka's varints: seven bits a byte, the lowest first, the sign in the lowest bit (zigzag). Nearly all of a record's are
 * one byte long, which callers read themselves; here is the rest. `after` is where the last one that was read ended:
 * a module variable costs nothing, a pair to return would be an object for each number.
 */

export let after = 0;

const VARINT_BITS = 35;
const VARLONG_BITS = 70;

/** The number at `at`, of at most 32 bits, still zigzagged. Throws when it is longer, or runs out of `bytes`. */
export function rawVarint(bytes: Uint8Array, at: number): number {
	let raw = 0;
	for (let shift = 0; shift < VARINT_BITS; shift += 7) {
		const byte = bytes[at++];
		if (byte === undefined) break;
		raw |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			after = at;
			return raw;
		}
	}
	throw new RangeError("a number of a record is broken");
}

/** Undoes the zigzag. */
export function signed(raw: number): number {
	return (raw >>> 1) ^ -(raw & 1);
}

/** The number at `at`, of at most 64 bits. Throws when it is longer, or runs out of `bytes`. */
export function varlong(bytes: Uint8Array, at: number): bigint {
	let raw = 0n;
	for (let shift = 0; shift < VARLONG_BITS; shift += 7) {
		const byte = bytes[at++];
		if (byte === undefined) break;
		raw |= BigInt(byte & 0x7f) << BigInt(shift);
		if (byte < 0x80) {
			after = at;
			return BigInt.asIntN(64, (BigInt.asUintN(64, raw) >> 1n) ^ -(raw & 1n));
		}
	}
	throw new RangeError("a number of a record is broken");
}
