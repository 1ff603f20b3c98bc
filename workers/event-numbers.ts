/**
 * Whitespace and numbers as JSON writes them, byte by byte. Every function reads on until something else stands there,
 * so something must.
 */

type Bytes = Uint8Array<ArrayBuffer>;

const SPACE = 0x20;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** One of the four bytes that JSON calls whitespace. */
export function isSpace(byte: number): boolean {
	return byte === SPACE || byte === NEWLINE || byte === TAB || byte === RETURN;
}

/** Where the whitespace that begins at `at`, if any does, ends. */
export function spaceEnd(bytes: Bytes, at: number): number {
	let end = at;
	while (isSpace(bytes[end]!)) end++;
	return end;
}

export function isDigit(byte: number): boolean {
	return byte >= ZERO && byte <= NINE;
}

/** Where the digits that begin at `at`, if any do, end. */
export function digitsEnd(bytes: Bytes, at: number): number {
	let end = at;
	while (isDigit(bytes[end]!)) end++;
	return end;
}

/** Whether `[at, end)`, which are all digits, is how JSON writes a whole number: not empty, and no zero in front. */
export function isWholeNumber(bytes: Bytes, at: number, end: number): boolean {
	return end > at && (bytes[at] !== ZERO || end === at + 1);
}

/** The number that the digits in `[at, end)` write. */
export function digits(bytes: Bytes, at: number, end: number): number {
	let value = 0;
	for (let i = at; i < end; i++) value = value * 10 + (bytes[i]! - ZERO);
	return value;
}

/** Where the JSON number that begins at `at` ends, or -1 when none does. */
export function numberEnd(bytes: Bytes, at: number): number {
	const start = bytes[at] === MINUS ? at + 1 : at;
	let end = digitsEnd(bytes, start);
	if (!isWholeNumber(bytes, start, end)) return -1;
	if (bytes[end] === DOT) {
		const fraction = end + 1;
		end = digitsEnd(bytes, fraction);
		if (end === fraction) return -1;
	}
	if (bytes[end] === LOWER_E || bytes[end] === UPPER_E) {
		const sign = bytes[end + 1]!;
		const exponent = sign === PLUS || sign === MINUS ? end + 2 : end + 1;
		end = digitsEnd(bytes, exponent);
		if (end === exponent) return -1;
	}
	return end;
}
