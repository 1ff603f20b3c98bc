/**
 * The records of one partition in a fetch response. kafkajs decodes all partitions of a response together, so that one
 * batch that cannot be read (an unknown compression, a broken disk) takes every partition with it, and the consumer;
 * it verifies no checksum, takes an unknown compression for none, and loses the offsets that compaction left empty at
 * the end of a batch. So batches are told apart and verified here, each is given to a decoder alone, and what that
 * throws stays in its partition.
 */
import { createRequire } from "node:module";
import { ATTRIBUTES_AT, BatchHeader, batchBytes, HEADER_BYTES, MAGIC_AT } from "./batch-header.ts";
import { crc32c } from "./crc32c.ts";

/** A message as kafkajs takes it: one record, or a stand-in for a whole batch. Only what is needed here. */
export interface DecodedRecord {
	/** Of the record, or the last one of the batch. */
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

/**
 * Appends what one whole batch holds, whose checksum is right. Rejects, or throws, with the reason why it cannot be
 * read, and has appended nothing then. `from`: the offset that was asked for.
 */
export type BatchDecoder = (
	records: DecodedRecord[],
	batch: Buffer,
	header: BatchHeader,
	from: number,
) => Promise<void> | void;

export const CODECS = ["none", "gzip", "Snappy", "LZ4", "Zstandard"] as const;

const MAGIC = 2;

interface Decoder {
	readonly buffer: Buffer;
}

const require = createRequire(import.meta.url);
const Decoder = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder;
/** Formats before Kafka 0.11, which brokers since 4.0 convert no more: left to kafkajs as they are. */
const decodeMessageSet = require("kafkajs/src/protocol/messageSet/decoder") as (
	decoder: Decoder,
	bytes: number,
) => Promise<DecodedRecord[]>;

/** Never rejects: whatever cannot be read is said in the answer. `from`: the offset that was asked for. */
export async function decodeRecordBatches(
	bytes: Buffer,
	decode: BatchDecoder,
	from: number,
): Promise<DecodedRecords> {
	const records: DecodedRecord[] = [];
	let at = 0;
	try {
		if (bytes.length > MAGIC_AT && bytes.readInt8(MAGIC_AT) < MAGIC) {
			return { records: await decodeMessageSet(new Decoder(bytes), bytes.length), unreadable: null };
		}
		for (;;) {
			const end = endOf(bytes, at);
			if (end === null) break;
			const batch = bytes.subarray(at, end);
			const header = verified(batch);
			const decoding = decode(records, batch, header, from);
			// Most batches are decoded at once, and a turn of the promise queue for each would cost more than that.
			if (decoding !== undefined) await decoding;
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
	const size = batchBytes(bytes, at);
	const end = Number.isNaN(size) ? Infinity : at + size;
	if (end <= bytes.length && end >= at + HEADER_BYTES) return end;
	// The first one is always sent whole (KIP-74).
	if (at === 0 || end < at + HEADER_BYTES) throw new Error("the length of the batch is broken");
	return null;
}

function verified(batch: Buffer): BatchHeader {
	const magic = batch.readInt8(MAGIC_AT);
	if (magic !== MAGIC) throw new Error(`the batch has the unknown format ${magic}`);
	const header = new BatchHeader(batch);
	const found = crc32c(batch, ATTRIBUTES_AT);
	if (found !== header.checksum) {
		throw new Error(`the checksum of the batch is ${hex(header.checksum)}, that of its bytes ${hex(found)}`);
	}
	if (CODECS[header.codec] === undefined)
		throw new Error(`compression ${header.codec} is unknown to this engine`);
	return header;
}

/**
 * Compaction removes records, and leaves the batch with its old range of offsets. A marker at its end, of the kind that
 * kafkajs hands to nobody but moves its position over, says that there is nothing more.
 */
export function endMark({ lastOffset, producerId, inTransaction }: BatchHeader): DecodedRecord {
	return {
		offset: String(lastOffset),
		isControlRecord: true,
		key: null,
		batchContext: { producerId: String(producerId), inTransaction },
	};
}

function hex(checksum: number): string {
	return checksum.toString(16).padStart(8, "0");
}
