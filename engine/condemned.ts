import type { CondemnedRecord, RecordPlace } from "../workers/messages.ts";
import type { RefusedRowError } from "./core-errors.ts";

/** Refusals remembered at a time; more different records than this are not refused between two commits. */
const REFUSALS_MAX = 1_000;
/** A detail is for people; Postgres's messages quote whole values. */
const DETAIL_CHARS_MAX = 500;

function keyOf({ partition, offset }: RecordPlace): string {
	return `${partition}:${offset}`;
}

/**
 * The records that become dead letters whatever they hold, until their offset is durable: those that Postgres refused
 * twice (step 10), and those that killed a fresh actor twice while alone (step 11).
 */
export class Condemned {
	#records: CondemnedRecord[] = [];
	/** Named once by Postgres: a day attached in mid-COPY does that to an innocent record. */
	readonly #refused = new Set<string>();

	get records(): readonly CondemnedRecord[] {
		return this.#records;
	}

	/** Postgres refused a record. Returns the verdict when it was not for the first time. */
	refused({ place, code, message }: RefusedRowError): CondemnedRecord | null {
		if (place === null) return null;
		const key = keyOf(place);
		if (!this.#refused.has(key)) {
			if (this.#refused.size >= REFUSALS_MAX) this.#refused.clear();
			this.#refused.add(key);
			return null;
		}
		this.#refused.delete(key);
		return this.condemn({ ...place, reason: "pg_value", detail: storable(`${code}: ${message}`) });
	}

	condemn(record: CondemnedRecord): CondemnedRecord {
		this.#records = [...this.#records.filter((one) => keyOf(one) !== keyOf(record)), record];
		return record;
	}

	/** Everything below `offset` is durable. Returns true when the list became shorter. */
	passed(partition: number, offset: number): boolean {
		const before = this.#records.length;
		if (before === 0) return false;
		this.#records = this.#records.filter((one) => one.partition !== partition || one.offset >= offset);
		return this.#records.length < before;
	}
}

/** Postgres has to store it: no U+0000, no lone surrogate, not endless. */
function storable(text: string): string {
	return Buffer.from(text.slice(0, DETAIL_CHARS_MAX).replaceAll("\u0000", "")).toString();
}
