import type { RecordCursor } from "../ports.ts";
import { safeInteger } from "./batch-cursor.ts";
import { HeadersJson } from "./headers-json.ts";
import { after, rawVarint, signed, varlong } from "./varint.ts";

/** Records of one batch, unpacked and still encoded (https://kafka.apache.org/documentation/#record). */
export interface ScannedBatch {
	/** The records alone are `bytes[start, bytes.length)`. */
	readonly bytes: Uint8Array;
	readonly start: number;
	readonly count: number;
	readonly baseOffset: number;
	readonly lastOffsetDelta: number;
	/** Deltas of the records add to it; when `isLogAppendTime`, it stands for all of them. */
	readonly timestampMs: bigint;
	readonly isLogAppendTime: boolean;
}

/** Base timestamps up to here and deltas of four bytes add up to a safe integer. */
const BASE_TIMESTAMP_MS_MAX = Number.MAX_SAFE_INTEGER - 2 ** 28;
/**
 * Walks over the records of batches where they lie: no object, no copy and no BigInt per record. Fields are ranges of the
 * fetch response, or of what a batch unpacked to.
 */
export class ScanCursor implements RecordCursor {
	offset = -1;
	timestampMs = -1;
	value: Uint8Array | null = null;
	valueStart = 0;
	valueEnd = 0;
	key: Uint8Array | null = null;
	keyStart = 0;
	keyEnd = 0;
	readonly #batches: readonly ScannedBatch[];
	readonly #from: number;
	#next = 0;
	/** Records of the open batch that are still to come. */
	#left = 0;
	#bytes: Uint8Array = new Uint8Array(0);
	#at = 0;
	#baseOffset = 0;
	#offsetDelta = -1;
	#lastOffsetDelta = 0;
	#base = 0n;
	#baseTimestampMs = 0;
	/** The delta of one byte, which nearly all have, may be added without a look. */
	#isPlainTimestamp = true;
	#isLogAppendTime = false;
	#headerCount = 0;
	#headersAt = 0;

	/** Records below `from` are passed over: a fetch begins with the batch that holds its offset. */
	constructor(batches: readonly ScannedBatch[], from: number) {
		this.#batches = batches;
		this.#from = from;
	}

	/** @throws RangeError when the lengths within a record, or its offset, do not fit; never for a batch that was checked */
	next(): boolean {
		do {
			while (this.#left === 0) if (!this.#open()) return false;
			this.#left--;
			this.#read();
		} while (this.offset < this.#from);
		return true;
	}

	/** JSON text of the headers of the current record, made at each call. */
	get headers(): Uint8Array | null {
		return this.#headerCount === 0 ? null : headersAt(this.#bytes, this.#headersAt, this.#headerCount);
	}

	/** Bytes of the open batch behind its last record: none, unless its count is wrong. */
	get rest(): number {
		return this.#bytes.length - this.#at;
	}

	#open(): boolean {
		const batch = this.#batches[this.#next];
		if (batch === undefined) return false;
		this.#next++;
		this.#left = batch.count;
		this.#bytes = batch.bytes;
		this.#at = batch.start;
		this.#baseOffset = batch.baseOffset;
		this.#offsetDelta = -1;
		this.#lastOffsetDelta = batch.lastOffsetDelta;
		this.#base = batch.timestampMs;
		this.#baseTimestampMs = safeInteger(Number(batch.timestampMs));
		this.#isLogAppendTime = batch.isLogAppendTime;
		this.#isPlainTimestamp =
			!batch.isLogAppendTime && Math.abs(Number(batch.timestampMs)) <= BASE_TIMESTAMP_MS_MAX;
		return true;
	}

	/** One record. Whatever a broken length leads to, positions only grow, so that one comparison at the end finds it. */
	#read(): void {
		const bytes = this.#bytes;
		let at = this.#at;
		let raw = bytes[at++]!;
		if (raw > 0x7f) {
			raw = rawVarint(bytes, at - 1);
			at = after;
		}
		const end = at + signed(raw);
		// The attributes of a record mean nothing yet.
		at++;
		raw = bytes[at++]!;
		if (raw > 0x7f || !this.#isPlainTimestamp) {
			this.#readTimestamp(at - 1);
			at = after;
		} else {
			this.timestampMs = this.#baseTimestampMs + signed(raw);
		}
		raw = bytes[at++]!;
		if (raw > 0x7f) {
			raw = rawVarint(bytes, at - 1);
			at = after;
		}
		const offsetDelta = signed(raw);
		raw = bytes[at++]!;
		if (raw > 0x7f) {
			raw = rawVarint(bytes, at - 1);
			at = after;
		}
		// Odd: a negative length, which is null.
		const isKey = (raw & 1) === 0;
		this.key = isKey ? bytes : null;
		this.keyStart = at;
		if (isKey) at += raw >>> 1;
		this.keyEnd = at;
		raw = bytes[at++]!;
		if (raw > 0x7f) {
			raw = rawVarint(bytes, at - 1);
			at = after;
		}
		const isValue = (raw & 1) === 0;
		this.value = isValue ? bytes : null;
		this.valueStart = at;
		if (isValue) at += raw >>> 1;
		this.valueEnd = at;
		raw = bytes[at++]!;
		this.#headerCount = 0;
		if (raw !== 0) at = this.#skipHeaders(at - 1);
		if (at !== end || at > bytes.length) throw new RangeError("the lengths in a record do not add up");
		if (offsetDelta <= this.#offsetDelta || offsetDelta > this.#lastOffsetDelta)
			throw new RangeError("an offset of a record is not one of its batch");
		this.#offsetDelta = offsetDelta;
		this.offset = this.#baseOffset + offsetDelta;
		this.#at = at;
	}

	#readTimestamp(at: number): void {
		// Ends within four bytes.
		if (this.#isPlainTimestamp && !(bytesAt(this.#bytes, at + 3) > 0x7f)) {
			this.timestampMs = this.#baseTimestampMs + signed(rawVarint(this.#bytes, at));
			return;
		}
		const delta = varlong(this.#bytes, at);
		this.timestampMs = this.#isLogAppendTime
			? this.#baseTimestampMs
			: safeInteger(Number(BigInt.asIntN(64, this.#base + delta)));
	}

	/** Notes where they are, and returns where they end. */
	#skipHeaders(at: number): number {
		const bytes = this.#bytes;
		const count = signed(rawVarint(bytes, at));
		let end = after;
		if (count < 0) throw new RangeError("the number of headers is negative");
		this.#headerCount = count;
		this.#headersAt = end;
		for (let left = count; left > 0; left--) {
			const name = signed(rawVarint(bytes, end));
			if (name < 0) throw new RangeError("a header has no name");
			end = after + name;
			end = Math.max(signed(rawVarint(bytes, end)), 0) + after;
		}
		return end;
	}
}

function bytesAt(bytes: Uint8Array, at: number): number {
	return bytes[at] ?? 0;
}

/** As JSON text; their lengths have been checked. */
function headersAt(bytes: Uint8Array, start: number, count: number): Uint8Array | null {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	const json = new HeadersJson();
	let at = start;
	for (let left = count; left > 0; left--) {
		const nameEnd = signed(rawVarint(bytes, at)) + after;
		const name = buffer.toString("utf8", after, nameEnd);
		const length = signed(rawVarint(bytes, nameEnd));
		at = after + Math.max(length, 0);
		json.add(name, length < 0 ? null : buffer.toString("base64", after, at));
	}
	return json.bytes();
}
