/**
 * Fixed pieces of JSON text, compared four bytes at a time: a name of twelve bytes is three loads instead of twelve.
 *
 * Words are little-endian int32, as `DataView.getInt32(at, true)` gives them; the last one of a text overlaps the one
 * before it where the length is no multiple of four.
 */

/** Four characters of ASCII as one number. */
export function word(text: string): number {
	if (text.length !== 4)
		throw new Error(`a word has four characters, ${JSON.stringify(text)} has not: this is a bug`);
	return Buffer.from(text, "latin1").readInt32LE();
}

/** Most words of a quoted name: enough for 32 characters. */
const WORDS_MAX = 8;
/** Per name: how many words, then of each word its place and what it must be. */
const STRIDE = 1 + 2 * WORDS_MAX;

/** Names of ASCII in their quotes, with what it takes to recognise them. */
export class QuotedNames {
	readonly #lengths: Uint8Array;
	readonly #table: Int32Array;

	/** Each of `names` is ASCII of at least two characters. */
	constructor(names: readonly string[]) {
		const quoted = names.map((name) => Buffer.from(JSON.stringify(name), "latin1"));
		this.#lengths = Uint8Array.from(quoted, ({ length }) => length);
		this.#table = new Int32Array(STRIDE * names.length);
		for (const [index, bytes] of quoted.entries()) {
			const count = Math.ceil(bytes.length / 4);
			if (bytes.length < 4 || count > WORDS_MAX)
				throw new Error(`${names[index]} is too short or too long: this is a bug`);
			const words = Array.from({ length: count }, (_, i) => Math.min(4 * i, bytes.length - 4));
			this.#table.set([count, ...words.flatMap((at) => [at, bytes.readInt32LE(at)])], STRIDE * index);
		}
	}

	/** Length with both quotes. */
	lengthOf(index: number): number {
		return this.#lengths[index]!;
	}

	/** Which of the names stands at `at`, quotes included, or -1. */
	indexAt(view: DataView, at: number): number {
		const table = this.#table;
		const first = view.getInt32(at, true);
		for (let start = 0; start < table.length; start += STRIDE) {
			if (table[start + 2] !== first) continue;
			const end = start + 1 + 2 * table[start]!;
			let i = start + 3;
			while (i < end && view.getInt32(at + table[i]!, true) === table[i + 1]) i += 2;
			if (i === end) return start / STRIDE;
		}
		return -1;
	}
}
