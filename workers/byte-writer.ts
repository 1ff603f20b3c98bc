/**
 * Bytes in Postgres's binary formats, written straight into growing chunks: no object and no string per row.
 *
 * A chunk is handed to Postgres as it is, so tuples never straddle two chunks: `reserve` the whole tuple first,
 * then write it. Numbers are big-endian.
 */
import { POSTGRES_EPOCH_SECONDS } from "./copy-layout.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** First chunk: a partition with a handful of rows in a set must not hold much more than those. */
const CHUNK_BYTES_FIRST = 4 * 1024;
/** Chunks grow fourfold up to here; larger writes to the socket gain nothing. */
const CHUNK_BYTES_MAX = 1024 * 1024;
const CHUNK_GROWTH = 4;

/** Most UTF-8 bytes of one UTF-16 unit: a surrogate pair is two units and four bytes. */
const UTF8_BYTES_PER_UNIT = 3;

/** Up to here a loop over the characters beats the call into TextEncoder. */
const LOOP_UNITS_MAX = 64;

const TWO_32 = 4_294_967_296;
const TWO_26 = 67_108_864;

const encoder = new TextEncoder();
const NO_BYTES: Bytes = new Uint8Array(0);

/** Bytes that `text` may need at most in UTF-8. */
export function utf8BytesMax(text: string): number {
	return text.length * UTF8_BYTES_PER_UNIT;
}

/** Any integer of up to 2^53 either way, in eight bytes. */
export function writeInt64(view: DataView, at: number, value: number): void {
	view.setInt32(at, Math.floor(value / TWO_32));
	view.setInt32(at + 4, value >>> 0);
}

/**
 * A `timestamptz` in eight bytes: µs since 2000, exact for every year Postgres knows.
 *
 * Past 2255 the µs leave the integers a double can hold, so they are computed in two halves:
 * seconds * 10^6 = seconds * 15625 * 2^6, and seconds * 15625 stays far below 2^53.
 */
export function writeTimestamp(view: DataView, at: number, seconds: number, micros: number): void {
	const in64Micros = (seconds - POSTGRES_EPOCH_SECONDS) * 15_625;
	let high = Math.floor(in64Micros / TWO_26);
	let low = (in64Micros - high * TWO_26) * 64 + micros;
	if (low >= TWO_32) {
		low -= TWO_32;
		high += 1;
	}
	view.setInt32(at, high);
	view.setInt32(at + 4, low >>> 0);
}

export class ByteWriter {
	#chunk: Bytes = NO_BYTES;
	#view: DataView<ArrayBuffer> = new DataView(NO_BYTES.buffer);
	#at = 0;
	#sealed: Bytes[] = [];

	/** Makes sure the next `size` bytes stand in one chunk. Writing more than was reserved throws RangeError. */
	reserve(size: number): void {
		if (this.#at + size > this.#chunk.length) this.#nextChunk(size);
	}

	/** The chunk, for whoever writes a whole tuple by hand, from `position` on and within what was reserved. */
	get view(): DataView<ArrayBuffer> {
		return this.#view;
	}

	get position(): number {
		return this.#at;
	}

	/** What was written by hand ends at `position`. */
	set position(position: number) {
		this.#at = position;
	}

	byte(value: number): void {
		this.#view.setUint8(this.#at, value);
		this.#at += 1;
	}

	int16(value: number): void {
		this.#view.setInt16(this.#at, value);
		this.#at += 2;
	}

	int32(value: number): void {
		this.#view.setInt32(this.#at, value);
		this.#at += 4;
	}

	/** Any integer of up to 2^53 either way. */
	int64(value: number): void {
		writeInt64(this.#view, this.#at, value);
		this.#at += 8;
	}

	/** A `timestamptz`, see `writeTimestamp`. */
	timestamp(seconds: number, micros: number): void {
		writeTimestamp(this.#view, this.#at, seconds, micros);
		this.#at += 8;
	}

	bytes(source: Uint8Array): void {
		this.#chunk.set(source, this.#at);
		this.#at += source.length;
	}

	/** int32 length and the UTF-8 of `text`; needs `4 + utf8BytesMax(text)` reserved. */
	text(text: string): void {
		const start = this.#at + 4;
		const length = text.length;
		let at = start;
		if (length <= LOOP_UNITS_MAX) {
			const chunk = this.#chunk;
			let i = 0;
			for (; i < length; i++) {
				const unit = text.charCodeAt(i);
				if (unit > 0x7f) break;
				chunk[at + i] = unit;
			}
			at += i;
		}
		if (at - start < length) {
			const { read, written } = encoder.encodeInto(text, this.#chunk.subarray(start));
			// encodeInto stops without a word where the room ends, and a user cut short is another user.
			if (read !== length) throw new RangeError(`text of ${length} units does not fit what was reserved`);
			at = start + written;
		}
		this.#view.setInt32(this.#at, at - start);
		this.#at = at;
	}

	/** Everything written, as chunks whose buffers are theirs alone; the writer is empty again. */
	take(): Bytes[] {
		this.#seal();
		const chunks = this.#sealed;
		this.#chunk = NO_BYTES;
		this.#view = new DataView(NO_BYTES.buffer);
		this.#sealed = [];
		return chunks;
	}

	/** Everything written as one array in a buffer of its own; the writer is empty again. */
	takeWhole(): Bytes {
		const chunks = this.take();
		if (chunks.length === 1) return chunks[0]!;
		const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
		let at = 0;
		for (const chunk of chunks) {
			whole.set(chunk, at);
			at += chunk.length;
		}
		return whole;
	}

	#seal(): void {
		if (this.#at === 0) return;
		// A chunk mostly empty is copied out: its buffer would be charged, and held until the commit, in full.
		const mostlyEmpty = this.#at * 2 < this.#chunk.length;
		this.#sealed.push(mostlyEmpty ? this.#chunk.slice(0, this.#at) : this.#chunk.subarray(0, this.#at));
		this.#at = 0;
	}

	#nextChunk(size: number): void {
		const previous = this.#chunk.length;
		this.#seal();
		const wanted = previous === 0 ? CHUNK_BYTES_FIRST : Math.min(previous * CHUNK_GROWTH, CHUNK_BYTES_MAX);
		// Not zeroed (that would cost as much as writing the rows); a view never reaches past what was written.
		const chunk = Buffer.allocUnsafeSlow(Math.max(wanted, size));
		this.#chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
		this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
	}
}
