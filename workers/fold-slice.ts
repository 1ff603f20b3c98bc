/**
 * One slice into the states of its partitions: every record ends as exactly one row or one dead letter.
 */
import { checkEventTime } from "../schema/time.ts";
import { createEventFields, type Validator } from "../schema/validate.ts";
import type { Refusal } from "./copy-dead-letters.ts";
import { DecodeFault, decodeSlice, decodeValue } from "./decode.ts";
import type { EventTimeRules, PartitionEpoch } from "./messages.ts";
import type { PartitionState } from "./partition-state.ts";
import { type PackedSlice, SliceReader } from "./slice.ts";

const NULL_VALUE: Refusal = { reason: "null_value", pointer: null, detail: null };
const EMPTY_VALUE: Refusal = { reason: "empty_value", pointer: null, detail: null };
const FUTURE_EVENT: Refusal = { reason: "future_event", pointer: "/event_time", detail: null };
const LATE_EVENT: Refusal = { reason: "late_event", pointer: "/event_time", detail: null };

/**
 * Called before a record is touched; what it gives is the record's refusal, whatever it holds. Values are then parsed
 * one by one, since in the one parse of a slice a deadly record would take its neighbours along.
 */
export type Enter = (partition: number, offset: number) => Refusal | null;

export class SliceFolder {
	readonly #validate: Validator;
	readonly #rules: EventTimeRules;
	readonly #event = createEventFields();

	constructor(validate: Validator, rules: EventTimeRules) {
		this.#validate = validate;
		this.#rules = rules;
	}

	/**
	 * Folds `slice`; `stateOf` gives the state of a run's partition, `enter` is null in normal life.
	 *
	 * @throws Error when the slice contradicts itself, which is a bug of the sender and never of the data.
	 */
	fold(slice: PackedSlice, stateOf: (run: PartitionEpoch) => PartitionState, enter: Enter | null): void {
		const reader = new SliceReader(slice);
		const decoded = enter === null ? decodeSlice(slice) : null;
		let at = 0;
		for (const run of slice.runs) {
			const state = stateOf(run);
			for (let i = 0; i < run.count; i++) {
				if (!reader.next()) throw new Error(`slice of ${slice.count} records has longer runs: this is a bug`);
				let refusal = enter === null ? null : enter(run.partition, reader.offset);
				if (reader.valueEnd > reader.valueStart) {
					refusal ??= this.#judge(decoded === null ? decodeHere(reader) : decoded.elements[at], reader);
					if (decoded !== null) at += decoded.step;
				} else {
					refusal ??= reader.valueEnd < 0 ? NULL_VALUE : EMPTY_VALUE;
				}
				if (refusal === null) state.addEvent(this.#event, reader.offset, reader.timestampMs);
				else state.addDeadLetter(reader, refusal);
			}
		}
		if (reader.next()) throw new Error(`slice of ${slice.count} records has shorter runs: this is a bug`);
	}

	/** Null when `value` is a valid event, which `#event` then holds. */
	#judge(value: unknown, { timestampMs }: SliceReader): Refusal | null {
		if (value instanceof DecodeFault) return { reason: value.reason, pointer: null, detail: value.detail };
		const event = this.#event;
		const invalid = this.#validate(value, event);
		if (invalid !== null) return invalid;
		const untimely = checkEventTime(event.seconds, event.micros, timestampMs, this.#rules);
		if (untimely === null) return null;
		return untimely === "future_event" ? FUTURE_EVENT : LATE_EVENT;
	}
}

function decodeHere({ values, valueStart, valueEnd }: SliceReader): unknown {
	return decodeValue(Buffer.from(values.buffer, values.byteOffset + valueStart, valueEnd - valueStart));
}
