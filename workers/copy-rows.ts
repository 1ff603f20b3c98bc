/**
 * COPY binary tuples of `events`: about 0.1 µs per row.
 *
 * A tuple is an int16 field count, then per field an int32 length (-1 is NULL) and the field's binary form
 * (https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format"). One wrong length ends the whole COPY, so the
 * encoder is held against an independent decoder and against Postgres's own text COPY.
 */
import { EVENT_TYPES } from "../schema/event.ts";
import { ByteWriter, writeInt64, writeTimestamp } from "./byte-writer.ts";
import { EVENT_COLUMNS } from "./copy-layout.ts";
import type { FoldedEvent } from "./folded-event.ts";

const NULL_LENGTH = -1;

/** Fields of known size, with their lengths: 2 + 12 (time) + 12 (session) + 20 (amount) + 8 (partition) + 12 (offset). */
const FIXED_BYTES = 66;

/** `numeric` keeps digits of base 10^4; `dscale` is the number of decimals shown. */
const NUMERIC_BASE = 10_000;
const NUMERIC_HEADER_BYTES = 8;
const DECIMALS = 2;
const CENTS_PER_UNIT = 100;

/** Length and bytes of each event type, by type index. */
const TYPE_FIELDS: readonly DataView[] = EVENT_TYPES.map((type) => {
	const bytes = Buffer.from(type, "utf8");
	// Whole words, since they are copied by the word: what is too much is written over by the next field.
	const field = Buffer.alloc(wholeWords(4 + bytes.length));
	field.writeInt32BE(bytes.length);
	field.set(bytes, 4);
	return new DataView(field.buffer, field.byteOffset, field.length);
});
const TYPE_FIELD_BYTES = Uint8Array.from(EVENT_TYPES, (type) => 4 + Buffer.byteLength(type));
const TYPE_BYTES_MAX = Math.max(...TYPE_FIELD_BYTES);

function wholeWords(size: number): number {
	return (size + 3) & ~3;
}

/** Collects the rows of one partition. */
export class RowEncoder {
	readonly #partition: number;
	readonly #out = new ByteWriter();
	/** The bytes that the last event's user stood in, and the same to read by the word. */
	#user: Uint8Array<ArrayBuffer> | null = null;
	#userView = new DataView(new ArrayBuffer(0));

	constructor(partition: number) {
		this.#partition = partition;
	}

	/** Adds one row, its columns in the order of `EVENT_COLUMNS`. */
	add(event: FoldedEvent, offset: number): void {
		const out = this.#out;
		const { user, userStart, cents } = event;
		const userBytes = event.userEnd - userStart;
		out.reserve(FIXED_BYTES + TYPE_BYTES_MAX + 4 + userBytes);
		if (user !== this.#user) this.#read(user);
		const view = out.view;
		let at = out.position;
		view.setInt16(at, EVENT_COLUMNS.length);
		view.setInt32(at + 2, 8);
		writeTimestamp(view, at + 6, event.seconds, event.micros);
		at += 14;
		const typeBytes = TYPE_FIELD_BYTES[event.typeIndex]!;
		copyWords(view, at, TYPE_FIELDS[event.typeIndex]!, 0, typeBytes);
		at += typeBytes;
		view.setInt32(at, userBytes);
		copyWords(view, at + 4, this.#userView, userStart, userBytes);
		at += 4 + userBytes;
		view.setInt32(at, 8);
		writeInt64(view, at + 4, event.sessionId);
		at += 12;
		if (cents < 0) {
			view.setInt32(at, NULL_LENGTH);
			at += 4;
		} else {
			at = writeNumeric(view, at, cents);
		}
		view.setInt32(at, 4);
		view.setInt32(at + 4, this.#partition);
		view.setInt32(at + 8, 8);
		writeInt64(view, at + 12, offset);
		out.position = at + 20;
	}

	/** The tuples since the last call. */
	take(): Uint8Array<ArrayBuffer>[] {
		return this.#out.take();
	}

	#read(user: Uint8Array<ArrayBuffer>): void {
		this.#user = user;
		this.#userView = new DataView(user.buffer, user.byteOffset, user.length);
	}
}

/** Copies `size` bytes, and up to three more: four at a time costs a third of one by one. */
function copyWords(target: DataView, at: number, source: DataView, start: number, size: number): void {
	for (let i = 0; i < size; i += 4) target.setInt32(at + i, source.getInt32(start + i, true), true);
}

/**
 * A `numeric` of whole cents (0 <= cents < 10^14) with its length, in at most 20 bytes; gives where it ends. Digit
 * count, weight of the first digit, sign 0, scale, then up to three digits of the whole part and one for the cents,
 * without zeros at either end, as Postgres itself stores it.
 */
export function writeNumeric(view: DataView, start: number, cents: number): number {
	let at = start + 4 + NUMERIC_HEADER_BYTES;
	const units = Math.floor(cents / CENTS_PER_UNIT);
	const last = (cents - units * CENTS_PER_UNIT) * (NUMERIC_BASE / CENTS_PER_UNIT);
	const upper = Math.floor(units / NUMERIC_BASE);
	const d2 = units - upper * NUMERIC_BASE;
	const d0 = Math.floor(upper / NUMERIC_BASE);
	const d1 = upper - d0 * NUMERIC_BASE;

	// The digits stand at weights 2, 1, 0 and -1.
	const weight = d0 > 0 ? 2 : d1 > 0 ? 1 : d2 > 0 ? 0 : -1;
	const lowest = last > 0 ? -1 : d2 > 0 ? 0 : d1 > 0 ? 1 : 2;
	const digitCount = cents === 0 ? 0 : weight - lowest + 1;
	view.setInt32(start, NUMERIC_HEADER_BYTES + 2 * digitCount);
	view.setInt16(start + 4, digitCount);
	view.setInt16(start + 6, cents === 0 ? 0 : weight);
	view.setInt16(start + 8, 0);
	view.setInt16(start + 10, DECIMALS);
	if (cents === 0) return at;
	if (weight >= 2 && lowest <= 2) {
		view.setInt16(at, d0);
		at += 2;
	}
	if (weight >= 1 && lowest <= 1) {
		view.setInt16(at, d1);
		at += 2;
	}
	if (weight >= 0 && lowest <= 0) {
		view.setInt16(at, d2);
		at += 2;
	}
	if (lowest <= -1) {
		view.setInt16(at, last);
		at += 2;
	}
	return at;
}
