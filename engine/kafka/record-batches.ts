/**
 * The records of one partition in a fetch response. kafkajs decodes all partitions of a response together, so that one
 * batch that cannot be read (an unknown compression, a broken disk) takes every partition with it, and the consumer;
 * it verifies no checksum, takes an unknown compression for none, and loses the offsets that compaction left empty at
 * the end of a batch. So it is given one batch at a time here, and what it throws stays in its partition.
 */
import { createRequire } from "node:module";
import { crc32c } from "./crc32c.ts";

/** A record as kafkajs knows it; only what is needed here. */
export interface DecodedRecord {
	readonly offset: string;
	/** Kept from the application; its offset counts. */
	isControlRecord?: boolean;
	readonly key?: Buffer | null;
	readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface DecodedRecords {
	/** Of all batches before the first that cannot be read. */
	readonly records: DecodedRecord[];
	/** Why the very first batch cannot be read, for people; null when it can be, or when there is none. */
	readonly unreadable: string | null;
}

// Bytes of a batch, by name (https://kafka.apache.org/documentation/#recordbatch).
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const PRODUCER_ID_AT = 43;
const HEADER_BYTES = 61;
/** `LENGTH` counts what is behind it. */
const LENGTH_END = 12;

const MAGIC = 2;
const CODEC_MASK = 0x07;
const TRANSACTIONAL_FLAG = 0x10;
const CODECS = ["none", "gzip", "Snappy", "LZ4", "Zstandard"] as const;

interface Decoder {
	readonly buffer: Buffer;
}

const require = createRequire(import.meta.url);
const Decoder = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder;
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (
	decoder: Decoder,
) => Promise<{ readonly records: DecodedRecord[] }>;
/** Formats before Kafka 0.11, which brokers since 4.0 convert no more: left to kafkajs as they are. */
const decodeMessageSet = require("kafkajs/src/protocol/messageSet/decoder") as (
	decoder: Decoder,
	bytes: number,
) => Promise<DecodedRecord[]>;

/** Never rejects: whatever cannot be read is said in the answer. */
export async function decodeRecordBatches(bytes: Buffer): Promise<DecodedRecords> {
	const records: DecodedRecord[] = [];
	let at = 0;
	try {
		if (bytes.length > MAGIC_AT && bytes.readInt8(MAGIC_AT) < MAGIC) {
			return { records: await decodeMessageSet(new Decoder(bytes), bytes.length), unreadable: null };
		}
		for (;;) {
			const end = endOf(bytes, at);
			if (end === null) break;
			await appendBatch(records, bytes.subarray(at, end));
			at = end;
		}
	} catch (error) {
		// The records before it are good, and the next fetch begins with the bad one.
		return { records, unreadable: at === 0 ? (error as Error).message : null };
	}
	return { records, unreadable: null };
}

/** One past the batch at `at`; null behind the last whole one: brokers cut the last one off anywhere. */
function endOf(bytes: Buffer, at: number): number | null {
	if (at === bytes.length) return null;
	const end =
		at + HEADER_BYTES > bytes.length ? Infinity : at + LENGTH_END + bytes.readInt32BE(at + LENGTH_AT);
	if (end <= bytes.length && end >= at + HEADER_BYTES) return end;
	// The first one is always sent whole (KIP-74).
	if (at === 0 || end < at + HEADER_BYTES) throw new Error("the length of the batch is broken");
	return null;
}

async function appendBatch(records: DecodedRecord[], batch: Buffer): Promise<void> {
	const magic = batch.readInt8(MAGIC_AT);
	if (magic !== MAGIC) throw new Error(`the batch has the unknown format ${magic}`);
	const expected = batch.readUInt32BE(CRC_AT);
	const found = crc32c(batch, ATTRIBUTES_AT);
	if (found !== expected) {
		throw new Error(`the checksum of the batch is ${hex(expected)}, that of its bytes ${hex(found)}`);
	}
	const attributes = batch.readInt16BE(ATTRIBUTES_AT);
	const codec = CODECS[attributes & CODEC_MASK];
	if (codec === undefined)
		throw new Error(`compression ${attributes & CODEC_MASK} is unknown to this engine`);
	const decoded = await decodeBatch(new Decoder(batch)).catch((error: Error) => {
		throw new Error(`compression ${codec}: ${error.message}`, { cause: error });
	});
	// No spread: kafkajs's own stack overflows at a batch of 120,000 records.
	for (const record of decoded.records) records.push(record);
	const lastOffset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT));
	const lastRecord = decoded.records.at(-1);
	if (lastRecord === undefined || BigInt(lastRecord.offset) < lastOffset) {
		records.push(endMark(batch, lastOffset, (attributes & TRANSACTIONAL_FLAG) !== 0));
	}
}

/**
 * Compaction removes records, and leaves the batch with its old range of offsets. A marker at its end, of the kind that
 * kafkajs hands to nobody but moves its position over, says that there is nothing more.
 */
function endMark(batch: Buffer, lastOffset: bigint, inTransaction: boolean): DecodedRecord {
	const producerId = String(batch.readBigInt64BE(PRODUCER_ID_AT));
	return {
		offset: String(lastOffset),
		isControlRecord: true,
		key: null,
		batchContext: { producerId, inTransaction },
	};
}

function hex(checksum: number): string {
	return checksum.toString(16).padStart(8, "0");
}
