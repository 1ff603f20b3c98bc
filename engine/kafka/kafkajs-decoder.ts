/** kafkajs's own decoder of a record batch, one object per record: what `KAFKA_DECODER=kafkajs` brings back. */
import { createRequire } from "node:module";
import type { BatchHeader } from "./batch-header.ts";
import { CODECS, type DecodedRecord, endMark } from "./record-batches.ts";

interface Decoder {
	readonly buffer: Buffer;
}

const require = createRequire(import.meta.url);
const Decoder = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder;
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (
	decoder: Decoder,
) => Promise<{ readonly records: DecodedRecord[] }>;

/** Appends every record of the batch, and the offsets behind the last one. */
export async function appendMessages(
	records: DecodedRecord[],
	batch: Buffer,
	header: BatchHeader,
): Promise<void> {
	const decoded = await decodeBatch(new Decoder(batch)).catch((error: Error) => {
		throw new Error(`compression ${CODECS[header.codec]}: ${error.message}`, { cause: error });
	});
	// No spread: kafkajs's own stack overflows at a batch of 120,000 records.
	for (const record of decoded.records) records.push(record);
	const lastRecord = decoded.records.at(-1);
	if (lastRecord === undefined || BigInt(lastRecord.offset) < header.lastOffset)
		records.push(endMark(header));
}
