/**
 * The judge of what the scanner leaves: JSON.parse, then the schema. What it says of a value is what the value is.
 */
import { USER_ID_CODE_POINTS_MAX } from "../schema/limits.ts";
import { createEventFields, type Validator } from "../schema/validate.ts";
import type { Refusal } from "./copy-dead-letters.ts";
import { DecodeFault, Decoder } from "./decode.ts";
import { type FoldedEvent, USER_TAIL_BYTES } from "./folded-event.ts";

/** Most bytes of UTF-8 a code point takes. */
const CODE_POINT_BYTES_MAX = 4;

const encoder = new TextEncoder();

export class EventJudge {
	readonly #decoder = new Decoder();
	readonly #validate: Validator;
	readonly #fields = createEventFields();
	/** The user id of the event in hand, with room to read ahead. */
	readonly #user = new Uint8Array(CODE_POINT_BYTES_MAX * USER_ID_CODE_POINTS_MAX + USER_TAIL_BYTES);

	constructor(validate: Validator) {
		this.#validate = validate;
	}

	/** Takes the values of a slice. */
	open(values: Uint8Array<ArrayBuffer>): void {
		this.#decoder.open(values);
	}

	/** Null when the value in `[start, end)` is an event, which `out` then holds; else why it is none. Never throws. */
	judge(start: number, end: number, out: FoldedEvent): Refusal | null {
		const value = this.#decoder.decode(start, end);
		if (value instanceof DecodeFault) return { reason: value.reason, pointer: null, detail: value.detail };
		const fields = this.#fields;
		const invalid = this.#validate(value, fields);
		if (invalid !== null) return invalid;
		out.seconds = fields.seconds;
		out.micros = fields.micros;
		out.typeIndex = fields.typeIndex;
		out.sessionId = fields.sessionId;
		out.cents = fields.cents;
		out.user = this.#user;
		out.userStart = 0;
		out.userEnd = encoder.encodeInto(fields.userId, this.#user).written;
		return null;
	}
}
