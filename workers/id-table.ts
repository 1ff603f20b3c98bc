/**
 * A set of ids as bytes: open addressing with linear probing over typed arrays, no object and no string per id.
 *
 * It may refuse an id (and forget some when it grows) rather than search long: whoever uses it must be able to live
 * with an id that is not found. Ids of 10 bytes cost 25 to 44 bytes each.
 */
import { sameBytes } from "./id-hash.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A slot is an id's hash and 1 + its place in the arena; 0 there is an empty slot. */
const SLOT_INTS = 2;
const SLOTS_INITIAL = 16;

/** Fuller tables search too long for ids they do not hold: 4 slots at 5/8, 9 at 3/4. */
const FILL_MAX = 5 / 8;

/**
 * Slots looked at for one id at most. With a hash that behaves the longest search of four million ids takes about 160;
 * past this somebody has found ids that collide.
 */
export const PROBES_MAX = 256;

const ARENA_BYTES_INITIAL = 128;
/** An id in the arena: its length in two bytes, then its bytes. */
const LENGTH_BYTES = 2;

/** One empty slot that is never written: an empty table is searched like any other. */
const NO_SLOTS = new Int32Array(SLOT_INTS);
/** What `find` says of an id that is not held and has no empty slot within reach. */
const NOWHERE = -2147483648;
const NO_BYTES: Bytes = new Uint8Array(0);

export class IdTable {
	#slots: Int32Array<ArrayBuffer> = NO_SLOTS;
	#arena: Bytes = NO_BYTES;
	#end = 0;
	#count = 0;
	/** Slots to be used before the table grows; 0 of the empty one. */
	#room = 0;
	/** Bytes of both arrays. */
	byteLength = 0;

	/** Ids held. */
	get count(): number {
		return this.#count;
	}

	/** Whether the id in `[start, end)` of `bytes` is held; `hash` is its hash. */
	has(hash: number, bytes: Uint8Array, start: number, end: number): boolean {
		return this.find(hash, bytes, start, end) >= 0;
	}

	/** Where the id stands; negative: it is not held, and `add` wants to know this number. */
	find(hash: number, bytes: Uint8Array, start: number, end: number): number {
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = (hash << 1) & mask;
		for (let probes = 0; probes < PROBES_MAX; probes++) {
			const ref = slots[at + 1]!;
			if (ref === 0) return ~at;
			if (slots[at] === hash && this.#isAt(ref - 1, bytes, start, end)) return at;
			at = (at + SLOT_INTS) & mask;
		}
		return NOWHERE;
	}

	/** Takes in an id of which `find` has just given `place`. False: it is refused, since there is no room within reach. */
	add(place: number, hash: number, bytes: Uint8Array, start: number, end: number): boolean {
		const ref = this.#end + 1;
		if (this.#count >= this.#room) {
			this.#grow();
			if (!this.#place(hash, ref)) return false;
		} else {
			if (place === NOWHERE) return false;
			this.#slots[~place] = hash;
			this.#slots[~place + 1] = ref;
		}
		this.#append(bytes, start, end);
		this.#count++;
		return true;
	}

	/** Puts every id where its new hash wants it. */
	rehash(hashOf: (bytes: Uint8Array, start: number, end: number) => number): void {
		this.#slots.fill(0);
		this.#count = 0;
		const arena = this.#arena;
		for (let at = 0; at < this.#end; ) {
			const start = at + LENGTH_BYTES;
			const end = start + lengthAt(arena, at);
			if (this.#place(hashOf(arena, start, end), at + 1)) this.#count++;
			at = end;
		}
	}

	#append(bytes: Uint8Array, start: number, end: number): void {
		const length = end - start;
		this.#reserve(LENGTH_BYTES + length);
		const arena = this.#arena;
		let to = this.#end;
		arena[to] = length >>> 8;
		arena[to + 1] = length;
		to += LENGTH_BYTES;
		for (let from = start; from < end; from++, to++) arena[to] = bytes[from]!;
		this.#end = to;
	}

	#isAt(at: number, bytes: Uint8Array, start: number, end: number): boolean {
		const arena = this.#arena;
		const length = end - start;
		return lengthAt(arena, at) === length && sameBytes(arena, at + LENGTH_BYTES, bytes, start, length);
	}

	#place(hash: number, ref: number): boolean {
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = (hash << 1) & mask;
		for (let probes = 0; probes < PROBES_MAX; probes++) {
			if (slots[at + 1] === 0) {
				slots[at] = hash;
				slots[at + 1] = ref;
				return true;
			}
			at = (at + SLOT_INTS) & mask;
		}
		return false;
	}

	#grow(): void {
		const before = this.#slots;
		this.#slots = new Int32Array(Math.max(2 * before.length, SLOTS_INITIAL * SLOT_INTS));
		this.#room = Math.floor((this.#slots.length / SLOT_INTS) * FILL_MAX);
		this.byteLength += this.#slots.byteLength - (before === NO_SLOTS ? 0 : before.byteLength);
		this.#count = 0;
		for (let at = 0; at < before.length; at += SLOT_INTS) {
			const ref = before[at + 1]!;
			if (ref !== 0 && this.#place(before[at]!, ref)) this.#count++;
		}
	}

	#reserve(size: number): void {
		if (this.#end + size <= this.#arena.length) return;
		// By half: doubling would hold a quarter of the memory for nothing, on the average.
		const length = Math.max(Math.ceil(this.#arena.length * 1.5), this.#end + size, ARENA_BYTES_INITIAL);
		const arena: Bytes = new Uint8Array(length);
		arena.set(this.#arena.subarray(0, this.#end));
		this.byteLength += length - this.#arena.length;
		this.#arena = arena;
	}
}

function lengthAt(arena: Uint8Array, at: number): number {
	return (arena[at]! << 8) | arena[at + 1]!;
}
