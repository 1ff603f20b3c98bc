/**
 * The records that need care: those condemned to be dead letters, and, in suspect mode, each one, because it may be
 * the one that kills the thread (steps 10 and 11 of the protocol).
 */
import type { Refusal } from "./copy-dead-letters.ts";
import type { Enter } from "./fold-slice.ts";
import type { CondemnedRecord } from "./messages.ts";
import type { PackedSlice } from "./slice.ts";

const NOBODY = -1;

export class Suspects {
	readonly #current: Float64Array | null;
	/** By partition, then by offset. */
	#condemned = new Map<number, Map<number, Refusal>>();

	/** `currentRecord`: see `ActorSettings`; without it there is no suspect mode. */
	constructor(currentRecord?: SharedArrayBuffer) {
		this.#current = currentRecord === undefined ? null : new Float64Array(currentRecord);
		this.leave();
	}

	/** Takes the whole list of condemned records, in place of the one before. */
	condemn(records: readonly CondemnedRecord[]): void {
		this.#condemned = new Map();
		for (const { partition, offset, reason, detail } of records) {
			let offsets = this.#condemned.get(partition);
			if (offsets === undefined) {
				offsets = new Map();
				this.#condemned.set(partition, offsets);
			}
			offsets.set(offset, { reason, pointer: null, detail });
		}
	}

	/** What to call for every record of the slice; null when none of them needs care. */
	careFor(slice: PackedSlice): Enter | null {
		if (this.#current === null && !this.#holdsCondemned(slice)) return null;
		return (partition, offset) => {
			this.#note(partition, offset);
			return this.#condemned.get(partition)?.get(offset) ?? null;
		};
	}

	/** The slice is folded: nobody is suspect. */
	leave(): void {
		this.#note(NOBODY, NOBODY);
	}

	#note(partition: number, offset: number): void {
		if (this.#current === null) return;
		this.#current[0] = partition;
		this.#current[1] = offset;
	}

	#holdsCondemned(slice: PackedSlice): boolean {
		if (this.#condemned.size === 0) return false;
		const places = new Float64Array(slice.index, 0, 2 * slice.count);
		let at = 0;
		for (const { partition, count } of slice.runs) {
			const offsets = this.#condemned.get(partition);
			if (offsets !== undefined) {
				for (let i = at; i < at + count; i++) if (offsets.has(places[2 * i]!)) return true;
			}
			at += count;
		}
		return false;
	}
}
