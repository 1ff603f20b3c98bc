/**
 * The CRC-32C of two pieces from the checksums of each, so that a batch gets a new timestamp without its records being
 * read again. Polynomials over GF(2), bits reflected; after `crc32_combine` of zlib (Mark Adler).
 */

const POLYNOMIAL = 0x82f63b78;
/** x to the 0: the highest bit stands for the lowest power. */
const ONE = 0x80000000;
/** `POWERS[k]` is x to the 2^k modulo the polynomial. */
const POWERS = powers();

/** What `joinCrc32c` needs to know of a second piece of so many bytes: x to the 8 × bytes. */
export function shiftOf(bytes: number): number {
	let product = ONE;
	// Eight bits a byte, hence from the third power on.
	for (let rest = bytes, k = 3; rest > 0; rest = Math.floor(rest / 2), k++) {
		if (rest % 2 === 1) product = multiply(POWERS[k % POWERS.length]!, product);
	}
	return product;
}

/** @param shift `shiftOf` the length of the second piece */
export function joinCrc32c(first: number, second: number, shift: number): number {
	return (multiply(shift, first) ^ second) >>> 0;
}

function multiply(a: number, b: number): number {
	let product = 0;
	let factor = b;
	for (let mask = ONE; mask !== 0; mask >>>= 1) {
		if ((a & mask) !== 0) product ^= factor;
		factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
	}
	return product >>> 0;
}

function powers(): number[] {
	const all = [ONE >>> 1];
	for (let k = 1; k < 32; k++) all.push(multiply(all[k - 1]!, all[k - 1]!));
	return all;
}
