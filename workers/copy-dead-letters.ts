/**
 * COPY binary tuples of `dead_letters`: the record's bytes untouched, and why it was refused.
 */
import { type Reason, stageOf } from "../schema/reasons.ts";
import { ByteWriter, utf8BytesMax } from "./byte-writer.ts";
import { DEAD_LETTER_COLUMNS } from "./copy-layout.ts";
import type { SliceReader } from "./slice.ts";

const NULL_LENGTH = -1;

/** Version byte in front of the text in jsonb's binary form. */
const JSONB_VERSION = 1;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: outside, people could neither read nor type the time. */
const TIMESTAMP_MS_MIN = -62_135_596_800_000;
const TIMESTAMP_MS_MAX = 253_402_300_799_999;
/** Kafka's word for "this record has no timestamp". */
const NO_TIMESTAMP = -1;

/** Field count, eleven lengths, and the fields of fixed size (4 + 8 + 8), rounded up; the jsonb version too. */
const FIXED_BYTES = 2 + 4 * DEAD_LETTER_COLUMNS.length + 21;

/** Why a record is refused; the stage follows from the reason. */
export interface Refusal {
	readonly reason: Reason;
	/** JSON pointer to what is wrong; null when it is not about a place in the JSON. */
	readonly pointer: string | null;
	readonly detail: string | null;
}

/** Collects the dead letters of one partition. */
export class DeadLetterEncoder {
	readonly #topic: string;
	readonly #partition: number;
	readonly #out = new ByteWriter();

	constructor(topic: string, partition: number) {
		this.#topic = topic;
		this.#partition = partition;
	}

	/** Adds the record the reader stands on, its columns in the order of `DEAD_LETTER_COLUMNS`. */
	add(record: SliceReader, refusal: Refusal): void {
		const out = this.#out;
		const stage = stageOf(refusal.reason);
		out.reserve(this.#bytesMax(record, refusal));
		out.int16(DEAD_LETTER_COLUMNS.length);
		out.text(this.#topic);
		out.int32(4);
		out.int32(this.#partition);
		out.int32(8);
		out.int64(record.offset);
		writeTimestamp(out, record.timestampMs);
		writeRange(out, record.meta, record.keyStart, record.keyEnd);
		writeRange(out, record.values, record.valueStart, record.valueEnd);
		writeJsonb(out, record.meta, record.headersStart, record.headersEnd);
		out.text(stage);
		out.text(refusal.reason);
		writeText(out, refusal.pointer);
		writeText(out, refusal.detail);
	}

	/** The tuples since the last call. */
	take(): Uint8Array<ArrayBuffer>[] {
		return this.#out.take();
	}

	#bytesMax(record: SliceReader, { reason, pointer, detail }: Refusal): number {
		const texts = [this.#topic, stageOf(reason), reason, pointer ?? "", detail ?? ""];
		let size = FIXED_BYTES;
		for (const text of texts) size += utf8BytesMax(text);
		size += Math.max(0, record.keyEnd - record.keyStart);
		size += Math.max(0, record.valueEnd - record.valueStart);
		size += Math.max(0, record.headersEnd - record.headersStart);
		return size;
	}
}

function writeTimestamp(out: ByteWriter, timestampMs: number): void {
	const inRange = timestampMs >= TIMESTAMP_MS_MIN && timestampMs <= TIMESTAMP_MS_MAX;
	if (inRange && timestampMs !== NO_TIMESTAMP) {
		const seconds = Math.floor(timestampMs / 1000);
		out.int32(8);
		out.timestamp(seconds, (timestampMs - seconds * 1000) * 1000);
	} else {
		out.int32(NULL_LENGTH);
	}
}

/** A range whose end is -1 is null. */
function writeRange(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
	if (end < 0) {
		out.int32(NULL_LENGTH);
	} else {
		out.int32(end - start);
		out.bytes(source.subarray(start, end));
	}
}

function writeJsonb(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
	if (end < 0) {
		out.int32(NULL_LENGTH);
	} else {
		out.int32(1 + end - start);
		out.byte(JSONB_VERSION);
		out.bytes(source.subarray(start, end));
	}
}

function writeText(out: ByteWriter, text: string | null): void {
	if (text === null) out.int32(NULL_LENGTH);
	else out.text(text);
}
