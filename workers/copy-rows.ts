/**
 * COPY binary tuples of `events`: about 0.1 µs per row.
 *
 * A tuple is an int16 field count, then per field an int32 length (-1 is NULL) and the field's binary form
 * (https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format"). One wrong length ends the whole COPY, so the
 * encoder is held against an independent decoder and against Postgres's own text COPY.
 */
import { EVENT_TYPES } from "../schema/event.ts";
import type { EventFields } from "../schema/validate.ts";
import { ByteWriter, utf8BytesMax } from "./byte-writer.ts";
import { EVENT_COLUMNS } from "./copy-layout.ts";

const NULL_LENGTH = -1;

/** Fields of known size, with their lengths: 2 + 12 (time) + 12 (session) + 20 (amount) + 8 (partition) + 12 (offset). */
const FIXED_BYTES = 66;

/** `numeric` keeps digits of base 10^4; `dscale` is the number of decimals shown. */
const NUMERIC_BASE = 10_000;
const NUMERIC_HEADER_BYTES = 8;
const DECIMALS = 2;
const CENTS_PER_UNIT = 100;

/** Length and bytes of each event type, by type index. */
const TYPE_FIELDS: readonly Uint8Array[] = EVENT_TYPES.map((type) => {
	const bytes = Buffer.from(type, "utf8");
	const field = Buffer.alloc(4 + bytes.length);
	field.writeInt32BE(bytes.length);
	field.set(bytes, 4);
	return field;
});
const TYPE_BYTES_MAX = Math.max(...TYPE_FIELDS.map((field) => field.length));

/** Collects the rows of one partition. */
export class RowEncoder {
	readonly #partition: number;
	readonly #out = new ByteWriter();

	constructor(partition: number) {
		this.#partition = partition;
	}

	/** Adds one row, its columns in the order of `EVENT_COLUMNS`. */
	add(event: EventFields, offset: number): void {
		const out = this.#out;
		out.reserve(FIXED_BYTES + TYPE_BYTES_MAX + 4 + utf8BytesMax(event.userId));
		out.int16(EVENT_COLUMNS.length);
		out.int32(8);
		out.timestamp(event.seconds, event.micros);
		out.bytes(TYPE_FIELDS[event.typeIndex]!);
		out.text(event.userId);
		out.int32(8);
		out.int64(event.sessionId);
		if (event.cents < 0) out.int32(NULL_LENGTH);
		else writeNumeric(out, event.cents);
		out.int32(4);
		out.int32(this.#partition);
		out.int32(8);
		out.int64(offset);
	}

	/** The tuples since the last call. */
	take(): Uint8Array<ArrayBuffer>[] {
		return this.#out.take();
	}
}

/**
 * A `numeric` of whole cents (0 <= cents < 10^14) with its length, in at most 20 bytes: digit count, weight of the
 * first digit, sign 0, scale, then up to three digits of the whole part and one for the cents, without zeros at
 * either end, as Postgres itself stores it.
 */
export function writeNumeric(out: ByteWriter, cents: number): void {
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
	out.int32(NUMERIC_HEADER_BYTES + 2 * digitCount);
	out.int16(digitCount);
	out.int16(cents === 0 ? 0 : weight);
	out.int16(0);
	out.int16(DECIMALS);
	if (cents === 0) return;
	if (weight >= 2 && lowest <= 2) out.int16(d0);
	if (weight >= 1 && lowest <= 1) out.int16(d1);
	if (weight >= 0 && lowest <= 0) out.int16(d2);
	if (lowest <= -1) out.int16(last);
}
