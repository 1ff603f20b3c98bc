/**
 * The (hour, id) pairs of one kind that one partition met in one set: each once, in the order in which they were met,
 * written at once as Postgres takes them. Open addressing over typed arrays: no object and no string per pair.
 */
import { POSTGRES_EPOCH_SECONDS } from "./copy-layout.ts";
import { type IdHash, sameBytes } from "./id-hash.ts";
import { PROBES_MAX } from "./id-table.ts";
import type { CandidateColumns } from "./part.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Ints = Int32Array<ArrayBuffer>;

const SECONDS_PER_HOUR = 3_600;
const MICROS_PER_SECOND = 1_000_000n;

/** What is kept of a pair: hash, hour, and where its id's bytes begin and end. */
const PAIR_INTS = 4;
const PAIRS_INITIAL = 64;
/** Slots are at most half full: what is searched here is mostly not there. */
const SLOTS_PER_PAIR = 2;

/** An element of an array of `timestamptz`: int32 length and eight bytes. */
const HOUR_INTS = 3;
/** The int32 length of an id's element. */
const LENGTH_BYTES = 4;
const ID_BYTES_INITIAL = 1_024;

export class PendingPairs {
	/** 1 + the number of a pair; 0 is an empty slot. */
	#slots: Ints = new Int32Array(PAIRS_INITIAL * SLOTS_PER_PAIR);
	#pairs: Ints = new Int32Array(PAIRS_INITIAL * PAIR_INTS);
	/** The array elements of all hours, as bytes in network order. */
	#hours: Ints = new Int32Array(PAIRS_INITIAL * HOUR_INTS);
	/** The array elements of all ids: the bytes that are compared are the bytes that are sent. */
	#ids: Bytes = new Uint8Array(ID_BYTES_INITIAL);
	#idsEnd = 0;
	#count = 0;
	#lastHour = Number.NaN;
	/** The element of the last pair's hour. */
	readonly #element: Ints = new Int32Array(HOUR_INTS);
	readonly #elementView = new DataView(this.#element.buffer);

	/** Pairs to be sent; a pair that found no slot counts as often as it was met. */
	get count(): number {
		return this.#count;
	}

	/** Bytes of all arrays. */
	get byteLength(): number {
		const { byteLength } = this.#slots;
		return byteLength + this.#pairs.byteLength + this.#hours.byteLength + this.#ids.byteLength;
	}

	/**
	 * Notes the pair of `hour` and the id in `[start, end)` of `bytes`, unless it is there; `hash` is the hash of both.
	 * False: it has no slot, since its place is too crowded, and will be sent again when it is met again.
	 */
	add(hour: number, hash: number, bytes: Uint8Array, start: number, end: number): boolean {
		const slots = this.#slots;
		const pairs = this.#pairs;
		const mask = slots.length - 1;
		let at = hash & mask;
		for (let probes = 0; probes < PROBES_MAX; probes++) {
			const number = slots[at]!;
			if (number === 0) {
				slots[at] = this.#count + 1;
				this.#append(hour, hash, bytes, start, end);
				return true;
			}
			const pair = (number - 1) * PAIR_INTS;
			if (pairs[pair] === hash && pairs[pair + 1] === hour && this.#isAt(pair, bytes, start, end))
				return true;
			at = (at + 1) & mask;
		}
		this.#append(hour, hash, bytes, start, end);
		return false;
	}

	/** The columns, in buffers of their own. */
	columns(): CandidateColumns {
		return {
			count: this.#count,
			hours: new Uint8Array(this.#hours.slice(0, this.#count * HOUR_INTS).buffer),
			ids: this.#ids.slice(0, this.#idsEnd),
		};
	}

	/** Takes new hashes after the old ones became worthless. */
	rehash(hash: IdHash): void {
		const pairs = this.#pairs;
		for (let pair = 0; pair < this.#count * PAIR_INTS; pair += PAIR_INTS) {
			const sum = hash.hourSum(pairs[pair + 1]!);
			pairs[pair] = hash.of(sum, this.#ids, pairs[pair + 2]!, pairs[pair + 3]!);
		}
		this.#slots.fill(0);
		this.#placeAll();
	}

	/** Calls `use` for each pair in turn. */
	forEach(use: (hour: number, hash: number, bytes: Bytes, start: number, end: number) => void): void {
		const pairs = this.#pairs;
		for (let pair = 0; pair < this.#count * PAIR_INTS; pair += PAIR_INTS) {
			use(pairs[pair + 1]!, pairs[pair]!, this.#ids, pairs[pair + 2]!, pairs[pair + 3]!);
		}
	}

	/** Forgets all pairs and keeps the arrays. */
	clear(): void {
		this.#slots.fill(0);
		this.#count = 0;
		this.#idsEnd = 0;
	}

	#isAt(pair: number, bytes: Uint8Array, start: number, end: number): boolean {
		const at = this.#pairs[pair + 2]!;
		const length = end - start;
		return this.#pairs[pair + 3]! - at === length && sameBytes(this.#ids, at, bytes, start, length);
	}

	#append(hour: number, hash: number, bytes: Uint8Array, start: number, end: number): void {
		const number = this.#count;
		const idStart = this.#writeId(bytes, start, end);
		const pairs = this.#pairs;
		const pair = number * PAIR_INTS;
		pairs[pair] = hash;
		pairs[pair + 1] = hour;
		pairs[pair + 2] = idStart;
		pairs[pair + 3] = this.#idsEnd;
		if (hour !== this.#lastHour) this.#writeElement(hour);
		const hours = this.#hours;
		const element = this.#element;
		hours[number * HOUR_INTS] = element[0]!;
		hours[number * HOUR_INTS + 1] = element[1]!;
		hours[number * HOUR_INTS + 2] = element[2]!;
		this.#count = number + 1;
		if (this.#count * PAIR_INTS === pairs.length) this.#grow();
	}

	/** BigInt is slow and exact: µs since 2000 outgrow a double in 2285. */
	#writeElement(hour: number): void {
		const seconds = BigInt(hour * SECONDS_PER_HOUR - POSTGRES_EPOCH_SECONDS);
		this.#elementView.setInt32(0, 8);
		this.#elementView.setBigInt64(4, seconds * MICROS_PER_SECOND);
		this.#lastHour = hour;
	}

	#writeId(bytes: Uint8Array, start: number, end: number): number {
		const length = end - start;
		const idStart = this.#idsEnd + LENGTH_BYTES;
		if (idStart + length > this.#ids.length) this.#growIds(idStart + length);
		const ids = this.#ids;
		ids[idStart - 4] = length >>> 24;
		ids[idStart - 3] = length >>> 16;
		ids[idStart - 2] = length >>> 8;
		ids[idStart - 1] = length;
		for (let from = start, to = idStart; from < end; from++, to++) ids[to] = bytes[from]!;
		this.#idsEnd = idStart + length;
		return idStart;
	}

	#growIds(size: number): void {
		const ids: Bytes = new Uint8Array(Math.max(2 * this.#ids.length, size));
		ids.set(this.#ids.subarray(0, this.#idsEnd));
		this.#ids = ids;
	}

	#grow(): void {
		const pairs = new Int32Array(2 * this.#pairs.length);
		pairs.set(this.#pairs);
		this.#pairs = pairs;
		const hours = new Int32Array(2 * this.#hours.length);
		hours.set(this.#hours);
		this.#hours = hours;
		this.#slots = new Int32Array(2 * this.#slots.length);
		this.#placeAll();
	}

	#placeAll(): void {
		for (let number = 0; number < this.#count; number++) {
			this.#place(number + 1, this.#pairs[number * PAIR_INTS]!);
		}
	}

	/** A pair without a slot within reach is in the columns all the same. */
	#place(entry: number, hash: number): void {
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = hash & mask;
		for (let probes = 0; probes < PROBES_MAX; probes++) {
			if (slots[at] === 0) {
				slots[at] = entry;
				return;
			}
			at = (at + 1) & mask;
		}
	}
}

/**
 * Pending pairs that were stored and may be used again: in a set of 20,000 records making new ones cost more than
 * filling them.
 */
export class PairsPool {
	/** A larger one, of a partition that is busier than all the others, is left to the garbage collector. */
	static readonly bytesEachMax = 1024 * 1024;
	static readonly bytesMax = 16 * 1024 * 1024;

	readonly #spare: PendingPairs[] = [];
	#byteLength = 0;

	take(): PendingPairs {
		const pairs = this.#spare.pop();
		if (pairs === undefined) return new PendingPairs();
		this.#byteLength -= pairs.byteLength;
		return pairs;
	}

	/** Nobody may use `pairs` any more. */
	giveBack(pairs: PendingPairs): void {
		const { byteLength } = pairs;
		if (byteLength > PairsPool.bytesEachMax || this.#byteLength + byteLength > PairsPool.bytesMax) return;
		pairs.clear();
		this.#spare.push(pairs);
		this.#byteLength += byteLength;
	}
}
