/**
 * The scanner against the judge: whatever it takes, JSON.parse and the schema must take with the same fields, and the
 * row must say the same. What it leaves is never wrong, only slow.
 */
import { EVENT_TYPES } from "../../schema/event.ts";
import { createEventFields, createValidator, type EventFields } from "../../schema/validate.ts";
import { RowEncoder } from "../../workers/copy-rows.ts";
import { EventScanner } from "../../workers/event-scanner.ts";
import { createFoldedEvent, type FoldedEvent } from "../../workers/folded-event.ts";
import { VALUES_TAIL_BYTES } from "../../workers/slice.ts";
import { int8, numeric, readTuples, text, timestamptz } from "../support/copy-reader.ts";

/** `taken`: by the scanner, rightly; `left`: to the judge, who says `good` or `bad`. */
export type Outcome = "taken" | "left good" | "left bad";

export class Differential {
	readonly #scanner = new EventScanner();
	readonly #event = createFoldedEvent();
	readonly #validate = createValidator();
	readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
	#bytes = new Uint8Array(16_384);

	/**
	 * Scans `value` with `before` and `after` beside it, as other values stand beside it in a slice.
	 *
	 * @throws Error with what differs.
	 */
	compare(value: Uint8Array, before: Uint8Array, after: Uint8Array): Outcome {
		const start = before.length;
		const end = start + value.length;
		const size = end + after.length + VALUES_TAIL_BYTES;
		if (size > this.#bytes.length) this.#bytes = new Uint8Array(2 * size);
		const values = new Uint8Array(this.#bytes.buffer, 0, size).fill(0, end + after.length);
		values.set(before, 0);
		values.set(value, start);
		values.set(after, end);
		this.#scanner.open(values);
		const event = this.#event;
		const isTaken = this.#scanner.scan(start, end, event);
		const fields = this.#judge(value);
		if (!isTaken) return fields === null ? "left bad" : "left good";
		if (fields === null) throw new Error("the scanner takes what is no event");
		expectSame(event, fields);
		return "taken";
	}

	/** The scanner's event of the last value that it took. */
	get event(): FoldedEvent {
		return this.#event;
	}

	#judge(value: Uint8Array): EventFields | null {
		const fields = createEventFields();
		try {
			return this.#validate(JSON.parse(this.#decoder.decode(value)), fields) === null ? fields : null;
		} catch {
			return null;
		}
	}
}

function expectSame(event: FoldedEvent, fields: EventFields): void {
	const userId = Buffer.from(event.user.subarray(event.userStart, event.userEnd)).toString("utf8");
	const scanned: EventFields = {
		typeIndex: event.typeIndex,
		userId,
		sessionId: event.sessionId,
		cents: event.cents,
		seconds: event.seconds,
		micros: event.micros,
	};
	for (const name of Object.keys(fields) as (keyof EventFields)[]) {
		// Object.is: -0 would be written as another number.
		if (!Object.is(scanned[name], fields[name])) {
			throw new Error(`${name}: the scanner reads ${scanned[name]}, the judge ${fields[name]}`);
		}
	}
	const encoder = new RowEncoder(7);
	encoder.add(event, 41);
	const [row] = readTuples(encoder.take());
	const [time, type, user, session, amount, , offset] = row!;
	const isSame =
		timestamptz(time!) === BigInt(fields.seconds) * 1_000_000n + BigInt(fields.micros) &&
		text(type!) === EVENT_TYPES[fields.typeIndex] &&
		text(user!) === fields.userId &&
		int8(session!) === BigInt(fields.sessionId) &&
		int8(offset!) === 41n &&
		(amount === null ? fields.cents === -1 : numeric(amount!).unscaled === BigInt(fields.cents));
	if (!isSame) throw new Error("the row says something else than the event");
}
