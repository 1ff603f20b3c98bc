/**
 * The numbers of users (`user_numbers`) as far as this engine knows them: bytes of an id to its number, without a string
 * or an object per user.
 *
 * A number is remembered when its transaction is committed, never before. It may forget whatever it likes: that only
 * costs asking again.
 */
import { IdHash, sameBytes } from "../../workers/id-hash.ts";
import { ELEMENT_LENGTH_BYTES } from "./binary-array.ts";
import { int8Elements } from "./int8-elements.ts";
import { USER_BLOCKS } from "./member-blocks.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A slot is an id's hash and 1 + its place; 0 there is an empty slot. */
const SLOT_INTS = 2;
const SLOTS_INITIAL = 1_024;
/** Fuller tables search too long for ids they do not hold. */
const FILL_MAX = 5 / 8;
const ID_BYTES_INITIAL = 16_384;
const INT8_BYTES = 8;

/** Numbers that come together: an engine's new users share rows, and engines do not. */
const BLOCK_NUMBERS = USER_BLOCKS.membersPerRow;

/** Beyond either all is forgotten; what it took, 45 to 75 MB with ids of usual length, stays for the next ones. */
const USERS_MAX = 1_000_000;
const ID_BYTES_MAX = 32 * 1024 * 1024;

export class UserNumbers {
	/** Whether the users that were last asked for were all new: the next most likely are, too. */
	expectNew = true;
	readonly #hash = new IdHash();
	readonly #usersMax: number;
	#slots = new Int32Array(SLOTS_INITIAL * SLOT_INTS);
	/** Where the element of each place begins; one more entry says where the last one ends. */
	#starts = new Int32Array(SLOTS_INITIAL);
	#numbers = new Float64Array(SLOTS_INITIAL);
	/** Array elements of `text`, one behind the other. */
	#elements: Bytes = new Uint8Array(ID_BYTES_INITIAL);
	#count = 0;
	/** Places below this one have numbers that are committed. */
	#kept = 0;
	/** Numbers that are ours to give: `[#next, #end)`, and before them those that were given to users who had one. */
	#next = 0;
	#end = 0;
	#spare: number[] = [];

	constructor(usersMax = USERS_MAX) {
		this.#usersMax = usersMax;
	}

	/** Users held. */
	get count(): number {
		return this.#count;
	}

	/** Before the first user of a set: what a set left that was not committed is forgotten, and all when it is too much. */
	begin(): void {
		const isFull = this.#count > this.#usersMax || this.#starts[this.#count]! > ID_BYTES_MAX;
		if (this.#count !== this.#kept || isFull) this.#clear();
	}

	/** The place of the user whose id is in `[start, end)` of `bytes`; a new one when he is not known. Good until `begin`. */
	placeOf(bytes: Uint8Array, start: number, end: number): number {
		const hash = this.#hash.of(0, bytes, start, end);
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = (hash << 1) & mask;
		for (; slots[at + 1] !== 0; at = (at + SLOT_INTS) & mask) {
			const place = slots[at + 1]! - 1;
			if (slots[at] === hash && this.#isAt(place, bytes, start, end)) return place;
		}
		slots[at] = hash;
		slots[at + 1] = this.#count + 1;
		return this.#append(bytes, start, end);
	}

	/** Users without a number, as elements of an array of `text`: those of the places from `count - asked.count` on. */
	get asked(): { readonly count: number; readonly elements: Uint8Array } {
		const from = this.#starts[this.#kept]!;
		return {
			count: this.#count - this.#kept,
			elements: this.#elements.subarray(from, this.#starts[this.#count]),
		};
	}

	/** How many more blocks of numbers `assign` wants. */
	get blocksWanted(): number {
		const ours = this.#spare.length + this.#end - this.#next;
		return Math.ceil(Math.max(0, this.#count - this.#kept - ours) / BLOCK_NUMBERS);
	}

	/** Gives numbers to the users that are asked for: what was left, then those of `blocks`, which nobody else has. */
	assign(blocks: readonly number[]): void {
		let block = 0;
		for (let place = this.#kept; place < this.#count; place++) {
			const spare = this.#spare.pop();
			if (spare === undefined && this.#next === this.#end) {
				this.#next = blocks[block++]! * BLOCK_NUMBERS;
				this.#end = this.#next + BLOCK_NUMBERS;
			}
			this.#numbers[place] = spare ?? this.#next++;
		}
	}

	/** Numbers of the users that are asked for, as elements of an array of `int8`. */
	get assigned(): Uint8Array {
		return int8Elements(this.#numbers.subarray(this.#kept, this.#count));
	}

	/**
	 * The numbers that the users asked for really have, in their order, 8 bytes each (`int8send`). Those that were assigned
	 * and not taken are given to the next: else every start would scatter its first new users over as many blocks as there
	 * are known users.
	 */
	answer(numbers: Buffer): void {
		for (let place = this.#count - 1; place >= this.#kept; place--) {
			const at = (place - this.#kept) * INT8_BYTES;
			const number = numbers.readInt32BE(at) * 4_294_967_296 + numbers.readUInt32BE(at + 4);
			// The last ones first, so that they are given in ascending order.
			if (number !== this.#numbers[place]) this.#spare.push(this.#numbers[place]!);
			this.#numbers[place] = number;
		}
	}

	/** Whether the number at a place is committed. */
	isKept(place: number): boolean {
		return place < this.#kept;
	}

	/** The number at a place; that of a new user only after `assign`. */
	numberAt(place: number): number {
		return this.#numbers[place]!;
	}

	/** The set is committed. */
	keep(): void {
		this.#kept = this.#count;
	}

	#isAt(place: number, bytes: Uint8Array, start: number, end: number): boolean {
		const at = this.#starts[place]! + ELEMENT_LENGTH_BYTES;
		const length = end - start;
		return this.#starts[place + 1]! - at === length && sameBytes(this.#elements, at, bytes, start, length);
	}

	#append(bytes: Uint8Array, start: number, end: number): number {
		const place = this.#count;
		const at = this.#starts[place]!;
		const next = at + ELEMENT_LENGTH_BYTES + end - start;
		if (next > this.#elements.length) this.#elements = grown(this.#elements, next);
		const elements = this.#elements;
		const length = end - start;
		elements[at] = length >>> 24;
		elements[at + 1] = length >>> 16;
		elements[at + 2] = length >>> 8;
		elements[at + 3] = length;
		for (let from = start, to = at + ELEMENT_LENGTH_BYTES; from < end; from++, to++)
			elements[to] = bytes[from]!;
		this.#count = place + 1;
		if (place + 2 > this.#starts.length) this.#growPlaces();
		this.#starts[place + 1] = next;
		if (this.#count > (this.#slots.length / SLOT_INTS) * FILL_MAX) this.#growSlots();
		return place;
	}

	#growPlaces(): void {
		const starts = new Int32Array(2 * this.#starts.length);
		starts.set(this.#starts);
		this.#starts = starts;
		const numbers = new Float64Array(2 * this.#numbers.length);
		numbers.set(this.#numbers);
		this.#numbers = numbers;
	}

	#growSlots(): void {
		const before = this.#slots;
		const slots = new Int32Array(2 * before.length);
		const mask = slots.length - 1;
		for (let from = 0; from < before.length; from += SLOT_INTS) {
			if (before[from + 1] === 0) continue;
			let at = (before[from]! << 1) & mask;
			while (slots[at + 1] !== 0) at = (at + SLOT_INTS) & mask;
			slots[at] = before[from]!;
			slots[at + 1] = before[from + 1]!;
		}
		this.#slots = slots;
	}

	/**
	 * Keeps its memory, unless ids were unusually long: the next users fill it again, and need not grow it step by step.
	 */
	#clear(): void {
		this.#slots.fill(0);
		if (this.#elements.length > ID_BYTES_MAX) this.#elements = new Uint8Array(ID_BYTES_INITIAL);
		this.#count = 0;
		this.#kept = 0;
	}
}

function grown(bytes: Bytes, size: number): Bytes {
	const larger: Bytes = new Uint8Array(Math.max(2 * bytes.length, size));
	larger.set(bytes);
	return larger;
}
