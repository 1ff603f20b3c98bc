/**
 * The records that need care: those condemned to be dead letters, and the suspects, one of which may kill the thread
 * (steps 10 and 11 of the protocol).
 */
import type { Refusal } from "./copy-dead-letters.ts";
import type { Enter } from "./fold-slice.ts";
import type { CondemnedRecord, OffsetRange } from "./messages.ts";
import type { PackedSlice } from "./slice.ts";

const NOBODY = -1;

export class Suspects {
	readonly #current: Float64Array;
	/** By partition, then by offset. */
	#condemned = new Map<number, Map<number, Refusal>>();
	#suspects: readonly OffsetRange[] = [];

	/** `currentRecord`: see `ActorSettings`. */
	constructor(currentRecord: SharedArrayBuffer) {
		this.#current = new Float64Array(currentRecord);
		this.leave();
	}

	/** Takes the whole lists, in place of those before. */
	careFor(condemned: readonly CondemnedRecord[], suspects: readonly OffsetRange[]): void {
		this.#suspects = suspects;
		this.#condemned = new Map();
		for (const { partition, offset, reason, detail } of condemned) {
			let offsets = this.#condemned.get(partition);
			if (offsets === undefined) {
				offsets = new Map();
				this.#condemned.set(partition, offsets);
			}
			offsets.set(offset, { reason, pointer: null, detail });
		}
	}

	/** What to call for every record of the slice; null when none of them needs care. */
	inside(slice: PackedSlice): Enter | null {
		if (this.#condemned.size === 0 && this.#suspects.length === 0) return null;
		if (!this.#holdsOneOfThem(slice)) return null;
		return (partition, offset) => {
			this.#note(partition, offset);
			return this.#condemned.get(partition)?.get(offset) ?? null;
		};
	}

	/** The slice is folded: nobody is in hand. */
	leave(): void {
		this.#note(NOBODY, NOBODY);
	}

	#note(partition: number, offset: number): void {
		this.#current[0] = partition;
		this.#current[1] = offset;
	}

	#holdsOneOfThem(slice: PackedSlice): boolean {
		const places = new Float64Array(slice.index, 0, 2 * slice.count);
		let at = 0;
		for (const { partition, count } of slice.runs) {
			const offsets = this.#condemned.get(partition);
			const suspects = this.#suspects.filter((range) => range.partition === partition);
			if (offsets !== undefined || suspects.length > 0) {
				for (let i = at; i < at + count; i++) {
					const offset = places[2 * i]!;
					if (offsets?.has(offset)) return true;
					if (suspects.some(({ from, to }) => offset >= from && offset < to)) return true;
				}
			}
			at += count;
		}
		return false;
	}
}
