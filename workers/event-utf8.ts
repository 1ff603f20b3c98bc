/**
 * Characters of JSON strings, byte by byte: ASCII that stands for itself, and UTF-8 as Unicode defines it (Unicode 16,
 * table 3-7), so without overlong forms, surrogates and code points above U+10FFFF.
 */

type Bytes = Uint8Array<ArrayBuffer>;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_NON_ASCII = 0x80;

/** 1 for ASCII that stands for itself in a JSON string: neither control character nor quote nor backslash. */
const PLAIN = new Uint8Array(256);
for (let byte = SPACE; byte < FIRST_NON_ASCII; byte++) PLAIN[byte] = 1;
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/**
 * Where the characters from `at` on stop standing for themselves: the place of the closing quote, of a backslash, of
 * a control character, or of bytes that are not UTF-8. What stands before it is valid UTF-8. `view` shows `bytes`;
 * up to seven bytes behind the end are read.
 */
export function textEnd(bytes: Bytes, view: DataView, at: number): number {
	let end = at;
	for (;;) {
		while (isPlainWord(view.getInt32(end, true))) end += 4;
		while (PLAIN[bytes[end]!] === 1) end++;
		if (bytes[end]! < FIRST_NON_ASCII) return end;
		const next = sequenceEnd(bytes, end);
		if (next < 0) return end;
		end = next;
	}
}

const ONES = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

/**
 * Whether four bytes are all plain, in one go. Taking one from a byte sets its highest bit when it was 0 (or above
 * 0x80), so a byte that is exactly a quote is found as 0 after the quotes are taken out by xor; taking 0x20 finds what
 * is below it. A borrow from the byte below can only find too much, and then the bytes are looked at one by one.
 */
function isPlainWord(word: number): boolean {
	const noQuote = (word ^ 0x22222222) - ONES;
	const noBackslash = (word ^ 0x5c5c5c5c) - ONES;
	return ((word | noQuote | noBackslash | (word - 0x20202020)) & HIGH_BITS) === 0;
}

/** Where the sequence of two to four bytes at `at` ends, or -1 when it is none. */
function sequenceEnd(bytes: Bytes, at: number): number {
	const lead = bytes[at]!;
	// 0x80 to 0xbf continue a character; 0xc0 and 0xc1 could only begin an overlong form.
	if (lead < 0xc2 || lead > 0xf4) return -1;
	if (lead < 0xe0) return continues(bytes, at + 1, 1) ? at + 2 : -1;
	const second = bytes[at + 1]!;
	if (lead < 0xf0) {
		// Overlong below U+0800; 0xed 0xa0 and above are surrogates.
		if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return -1;
		return continues(bytes, at + 1, 2) ? at + 3 : -1;
	}
	// Overlong below U+10000; above U+10FFFF there is nothing.
	if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return -1;
	return continues(bytes, at + 1, 3) ? at + 4 : -1;
}

/** Code points in `[start, end)`, which must be valid UTF-8. */
export function codePoints(bytes: Bytes, start: number, end: number): number {
	let count = 0;
	for (let at = start; at < end; at++) if ((bytes[at]! & 0xc0) !== 0x80) count++;
	return count;
}

function continues(bytes: Bytes, at: number, count: number): boolean {
	for (let i = 0; i < count; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return false;
	return true;
}
