/**
 * Record batches (magic 2, uncompressed, no producer id) made once and sent any number of times: only the header holds
 * the time. https://kafka.apache.org/documentation/#recordbatch
 */
import { crc32c } from "../../../engine/kafka/crc32c.ts";
import { joinCrc32c, shiftOf } from "./crc32c-join.ts";

/** A batch for one partition; never changed once it is made. */
export interface RecordBatch {
	readonly partition: number;
	readonly records: number;
	/** Header, with time 0, and records. */
	readonly bytes: Buffer;
	/** Of the bytes behind the header. */
	readonly recordsCrc: number;
	readonly recordsShift: number;
}

const LENGTH_AT = 8;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
const MAGIC = 2;

/** Batches share memory pieces of this size, so that a batch of one record costs no allocation of its own. */
const SLAB_BYTES = 1 << 20;
/** Length (5), attributes, time, offset (5), key length (5), value length (5), headers: never more. */
const RECORD_OVERHEAD_BYTES_MAX = 23;

/** Copies a batch to `target` and writes its time (ms since 1970, of all its records) and checksum there. */
export function stampBatch(batch: RecordBatch, target: Buffer, at: number, timestampMs: number): void {
	target.set(batch.bytes, at);
	const high = Math.floor(timestampMs / 2 ** 32);
	for (const field of [BASE_TIMESTAMP_AT, MAX_TIMESTAMP_AT]) {
		target.writeUInt32BE(high, at + field);
		target.writeUInt32BE(timestampMs >>> 0, at + field + 4);
	}
	const head = crc32c(target, at + ATTRIBUTES_AT, at + HEADER_BYTES);
	target.writeUInt32BE(joinCrc32c(head, batch.recordsCrc, batch.recordsShift), at + CRC_AT);
}

/** Gathers the records of one partition until `finish` makes a batch of them. */
export class BatchBuilder {
	readonly #partition: number;
	#slab: Buffer = Buffer.alloc(0);
	#start = 0;
	#at = 0;
	#records = 0;

	constructor(partition: number) {
		this.#partition = partition;
	}

	get records(): number {
		return this.#records;
	}

	/** Bytes of the batch so far. */
	get bytes(): number {
		return this.#at - this.#start;
	}

	/** @param keyStart negative: the record has no key; key and value are ranges of `bytes` */
	add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
		const keyBytes = keyStart < 0 ? 0 : keyEnd - keyStart;
		const valueBytes = valueEnd - valueStart;
		this.#makeRoom(keyBytes + valueBytes + RECORD_OVERHEAD_BYTES_MAX);
		const slab = this.#slab;
		const offsetDelta = this.#records * 2;
		const keyLength = keyStart < 0 ? 1 : keyBytes * 2;
		const sizes = varintBytes(offsetDelta) + varintBytes(keyLength) + varintBytes(valueBytes * 2);
		// Attributes, time and the number of headers are one zero byte each.
		let at = writeVarint(slab, this.#at, (3 + sizes + keyBytes + valueBytes) * 2);
		slab[at++] = 0;
		slab[at++] = 0;
		at = writeVarint(slab, at, offsetDelta);
		at = writeVarint(slab, at, keyLength);
		for (let i = 0; i < keyBytes; i++) slab[at++] = bytes[keyStart + i]!;
		at = writeVarint(slab, at, valueBytes * 2);
		bytes.copy(slab, at, valueStart, valueEnd);
		at += valueBytes;
		slab[at++] = 0;
		this.#at = at;
		this.#records++;
	}

	/** The batch, or null when nothing was added since the last. */
	finish(): RecordBatch | null {
		if (this.#records === 0) return null;
		const bytes = this.#slab.subarray(this.#start, this.#at);
		const records = this.#records;
		bytes.fill(0, 0, HEADER_BYTES);
		bytes.writeInt32BE(bytes.length - LEADER_EPOCH_AT, LENGTH_AT);
		bytes.writeInt32BE(-1, LEADER_EPOCH_AT);
		bytes[MAGIC_AT] = MAGIC;
		bytes.writeInt32BE(records - 1, LAST_OFFSET_DELTA_AT);
		bytes.fill(0xff, PRODUCER_ID_AT, PRODUCER_EPOCH_AT);
		bytes.writeInt16BE(-1, PRODUCER_EPOCH_AT);
		bytes.writeInt32BE(-1, BASE_SEQUENCE_AT);
		bytes.writeInt32BE(records, COUNT_AT);
		this.#start = this.#at;
		this.#records = 0;
		return {
			partition: this.#partition,
			records,
			bytes,
			recordsCrc: crc32c(bytes, HEADER_BYTES),
			recordsShift: shiftOf(bytes.length - HEADER_BYTES),
		};
	}

	#makeRoom(needed: number): void {
		if (this.#records > 0 && this.#at + needed <= this.#slab.length) return;
		if (this.#records === 0 && this.#start + HEADER_BYTES + needed <= this.#slab.length) {
			this.#at = this.#start + HEADER_BYTES;
			return;
		}
		const begun = this.#slab.subarray(this.#start, this.#records === 0 ? this.#start : this.#at);
		const fresh = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * (begun.length + needed)));
		fresh.set(begun, 0);
		this.#slab = fresh;
		this.#start = 0;
		this.#at = Math.max(begun.length, HEADER_BYTES);
	}
}

/** Of a number that is zigzag-encoded already; below 2^31. */
function varintBytes(value: number): number {
	if (value < 1 << 7) return 1;
	if (value < 1 << 14) return 2;
	if (value < 1 << 21) return 3;
	return value < 1 << 28 ? 4 : 5;
}

function writeVarint(target: Buffer, start: number, value: number): number {
	let at = start;
	let rest = value;
	while (rest > 0x7f) {
		target[at++] = (rest & 0x7f) | 0x80;
		rest >>>= 7;
	}
	target[at++] = rest;
	return at;
}
