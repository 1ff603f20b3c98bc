import type { RecordCursor } from "../ports.ts";

export const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Finds line ends in `bytes[start, end)`.
 * @param ends takes the position of each `\n`; the search ends when it is full
 * @returns how many were found
 */
export function findLineEnds(bytes: Buffer, start: number, end: number, ends: Uint32Array): number {
	let count = 0;
	let at = start;
	while (count < ends.length) {
		const found = bytes.indexOf(NEWLINE, at);
		if (found < 0 || found >= end) break;
		ends[count++] = found;
		at = found + 1;
	}
	return count;
}

/**
 * Walks over lines where they lie. A line is a record: its number is the offset, its bytes are the value (a `\r` before
 * the line end included, as `produce --raw` sends it); there is no key, no header and no time. Empty lines are no
 * records, as in `produce`: their offsets are gaps.
 */
export class LineCursor implements RecordCursor {
	offset = -1;
	/** A file has no record times, and the time of reading would be another one at the next reading. */
	readonly timestampMs = -1;
	readonly value: Uint8Array;
	valueStart = 0;
	valueEnd = 0;
	readonly key = null;
	readonly keyStart = 0;
	readonly keyEnd = 0;
	readonly headers = null;
	readonly #ends: Uint32Array;
	readonly #count: number;
	readonly #firstLine: number;
	#at = 0;
	#start: number;

	/** Lines `firstLine` to `firstLine + count - 1`, the first one at `start`, each up to its place in `ends`. */
	constructor(bytes: Uint8Array, start: number, ends: Uint32Array, count: number, firstLine: number) {
		this.value = bytes;
		this.#start = start;
		this.#ends = ends;
		this.#count = count;
		this.#firstLine = firstLine;
	}

	next(): boolean {
		while (this.#at < this.#count) {
			const start = this.#start;
			const end = this.#ends[this.#at]!;
			const line = this.#firstLine + this.#at;
			this.#at++;
			this.#start = end + 1;
			if (isEmpty(this.value, start, end)) continue;
			this.offset = line;
			this.valueStart = start;
			this.valueEnd = end;
			return true;
		}
		return false;
	}
}

/** An empty line, or one that a Windows editor has left. */
function isEmpty(bytes: Uint8Array, start: number, end: number): boolean {
	return end === start || (end === start + 1 && bytes[start] === CARRIAGE_RETURN);
}

/** Whether there is no record in these lines; parameters as of `LineCursor`. */
export function allEmpty(bytes: Uint8Array, start: number, ends: Uint32Array, count: number): boolean {
	let from = start;
	for (let at = 0; at < count; at++) {
		if (!isEmpty(bytes, from, ends[at]!)) return false;
		from = ends[at]! + 1;
	}
	return true;
}
