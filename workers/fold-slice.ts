/**
 * One slice into the states of its partitions: every record ends as exactly one row or one dead letter.
 */
import { checkEventTime } from "../schema/time.ts";
import type { Validator } from "../schema/validate.ts";
import type { Refusal } from "./copy-dead-letters.ts";
import { EventJudge } from "./event-judge.ts";
import { EventScanner } from "./event-scanner.ts";
import { createFoldedEvent } from "./folded-event.ts";
import type { EventTimeRules, PartitionEpoch } from "./messages.ts";
import type { PartitionState } from "./partition-state.ts";
import { type PackedSlice, SliceReader } from "./slice.ts";

const NULL_VALUE: Refusal = { reason: "null_value", pointer: null, detail: null };
const EMPTY_VALUE: Refusal = { reason: "empty_value", pointer: null, detail: null };
const FUTURE_EVENT: Refusal = { reason: "future_event", pointer: "/event_time", detail: null };
const LATE_EVENT: Refusal = { reason: "late_event", pointer: "/event_time", detail: null };

/** Called before a record is touched; what it gives is the record's refusal, whatever it holds. */
export type Enter = (partition: number, offset: number) => Refusal | null;

export class SliceFolder {
	readonly #scanner = new EventScanner();
	readonly #judge: EventJudge;
	readonly #rules: EventTimeRules;
	readonly #event = createFoldedEvent();

	constructor(validate: Validator, rules: EventTimeRules) {
		this.#judge = new EventJudge(validate);
		this.#rules = rules;
	}

	/**
	 * Folds `slice`; `stateOf` gives the state of a run's partition, `enter` is null in normal life.
	 *
	 * @throws Error when the slice contradicts itself, which is a bug of the sender and never of the data.
	 */
	fold(slice: PackedSlice, stateOf: (run: PartitionEpoch) => PartitionState, enter: Enter | null): void {
		const reader = new SliceReader(slice);
		this.#scanner.open(reader.values);
		this.#judge.open(reader.values);
		for (const run of slice.runs) {
			const state = stateOf(run);
			for (let i = 0; i < run.count; i++) {
				if (!reader.next()) throw new Error(`slice of ${slice.count} records has longer runs: this is a bug`);
				const condemned = enter === null ? null : enter(run.partition, reader.offset);
				const refusal = condemned ?? this.#take(reader);
				if (refusal === null) state.addEvent(this.#event, reader.offset, reader.timestampMs);
				else state.addDeadLetter(reader, refusal);
			}
		}
		if (reader.next()) throw new Error(`slice of ${slice.count} records has shorter runs: this is a bug`);
	}

	/** Null when the record the reader stands on is a valid event, which `#event` then holds. */
	#take({ valueStart, valueEnd, timestampMs }: SliceReader): Refusal | null {
		if (valueEnd <= valueStart) return valueEnd < 0 ? NULL_VALUE : EMPTY_VALUE;
		const event = this.#event;
		if (!this.#scanner.scan(valueStart, valueEnd, event)) {
			const refusal = this.#judge.judge(valueStart, valueEnd, event);
			if (refusal !== null) return refusal;
		}
		const untimely = checkEventTime(event.seconds, event.micros, timestampMs, this.#rules);
		if (untimely === null) return null;
		return untimely === "future_event" ? FUTURE_EVENT : LATE_EVENT;
	}
}
