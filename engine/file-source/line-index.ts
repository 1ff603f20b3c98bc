/** Least distance between two marks, in bytes: a seek reads no more than this to find its line. */
const MARK_EVERY_BYTES = 1024 * 1024;

/** Where a line begins. */
export interface LinePlace {
	/** Counted from 0: the offset of the record. */
	readonly line: number;
	/** Of its first byte. */
	readonly byte: number;
}

const START: LinePlace = { line: 0, byte: 0 };

/**
 * Remembers where some lines begin, one a megabyte, so that a seek in a file of ten gigabytes does not count its lines
 * anew. Ten thousand marks are 160 KB.
 */
export class LineIndex {
	readonly #marks: LinePlace[] = [];

	/** Notes where a line begins; ignored when the last mark is near. Must be called in the order of the file. */
	note(place: LinePlace): void {
		const last = this.#marks.at(-1) ?? START;
		if (place.byte - last.byte >= MARK_EVERY_BYTES) this.#marks.push(place);
	}

	/** The last mark at or before this line. */
	before(line: number): LinePlace {
		let low = 0;
		let high = this.#marks.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.#marks[middle]!.line <= line) low = middle + 1;
			else high = middle;
		}
		return this.#marks[low - 1] ?? START;
	}
}
