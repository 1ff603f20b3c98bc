/** Record batches for tests: built field by field, whatever makes no sense included, and read as the engine reads them. */
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import lz4 from "lz4-napi";
import { type AbortedTransaction, hideAborted } from "../../engine/kafka/aborted.ts";
import { BatchCursor } from "../../engine/kafka/batch-cursor.ts";
import { ATTRIBUTES_AT, HEADER_BYTES } from "../../engine/kafka/batch-header.ts";
import { patchBatch } from "../../engine/kafka/batch-patch.ts";
import { appendStandIn, scannedRecords } from "../../engine/kafka/batch-scanner.ts";
import { registerCodecs } from "../../engine/kafka/codecs.ts";
import { crc32c } from "../../engine/kafka/crc32c.ts";
import { appendMessages } from "../../engine/kafka/kafkajs-decoder.ts";
import { decodeRecordBatches } from "../../engine/kafka/record-batches.ts";
import type { RecordCursor } from "../../engine/ports.ts";

const require = createRequire(import.meta.url);

export interface BatchRecord {
	/** Default: one more than the record before. */
	readonly offsetDelta?: number;
	readonly timestampDelta?: bigint;
	readonly key?: Uint8Array | null;
	readonly value?: Uint8Array | null;
	readonly headers?: readonly (readonly [name: string, value: Uint8Array | null])[];
}

export interface BatchFields {
	readonly records: readonly BatchRecord[];
	readonly baseOffset?: number;
	/** Default: of the last record. */
	readonly lastOffsetDelta?: number;
	readonly baseTimestampMs?: bigint;
	readonly maxTimestampMs?: bigint;
	readonly codec?: number;
	readonly isLogAppendTime?: boolean;
	readonly inTransaction?: boolean;
	readonly isControl?: boolean;
	readonly producerId?: bigint;
}

export const BASE_TIMESTAMP_MS = 1_700_000_000_000n;

/** One batch as a broker sends it. */
export function recordBatch(fields: BatchFields): Buffer {
	const { records, codec = 0 } = fields;
	let delta = -1;
	const encoded = records.map((record) => {
		delta = record.offsetDelta ?? delta + 1;
		return recordBytes(record, delta);
	});
	return batchAround({ lastOffsetDelta: Math.max(delta, 0), ...fields }, Buffer.concat(encoded), codec);
}

/** As `recordBatch`, around bytes that need not be records. */
export function batchAround(
	fields: BatchFields & { readonly lastOffsetDelta: number },
	plain: Buffer,
	codec = 0,
): Buffer {
	const header = Buffer.alloc(HEADER_BYTES);
	const flags =
		(fields.isLogAppendTime ? 8 : 0) | (fields.inTransaction ? 16 : 0) | (fields.isControl ? 32 : 0);
	header.writeBigInt64BE(BigInt(fields.baseOffset ?? 0), 0);
	header[16] = 2;
	header.writeInt16BE(flags, ATTRIBUTES_AT);
	header.writeInt32BE(fields.lastOffsetDelta, 23);
	header.writeBigInt64BE(fields.baseTimestampMs ?? BASE_TIMESTAMP_MS, 27);
	header.writeBigInt64BE(fields.maxTimestampMs ?? BASE_TIMESTAMP_MS + 7n, 35);
	header.writeBigInt64BE(fields.producerId ?? -1n, 43);
	header.writeInt32BE(fields.records.length, 57);
	return compressed(Buffer.concat([header, plain]), codec);
}

/** A plain batch in another compression, under its checksum. */
export function compressed(batch: Buffer, codec: number): Buffer {
	const packedBatch = Buffer.concat([
		batch.subarray(0, HEADER_BYTES),
		packed(batch.subarray(HEADER_BYTES), codec),
	]);
	packedBatch.writeInt32BE(packedBatch.length - 12, 8);
	packedBatch[ATTRIBUTES_AT + 1]! |= codec;
	return sealed(packedBatch);
}

/** Puts the checksum right after a change behind it. */
export function sealed(batch: Buffer): Buffer {
	batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), 17);
	return batch;
}

/** The marker that ends a transaction. */
export function endOfTransaction(how: "commit" | "abort", producerId: bigint, baseOffset: number): Buffer {
	const key = Buffer.from([0, 0, 0, how === "abort" ? 0 : 1]);
	const records = [{ key, value: Buffer.alloc(6) }];
	return recordBatch({ records, baseOffset, producerId, isControl: true, inTransaction: true });
}

function recordBytes({ timestampDelta, key, value, headers }: BatchRecord, offsetDelta: number): Buffer {
	const body = Buffer.concat([
		Buffer.from([0]),
		varint(timestampDelta ?? 0n),
		varint(offsetDelta),
		field(key ?? null),
		field(value ?? null),
		varint(headers?.length ?? 0),
		...(headers ?? []).flatMap(([name, content]) => [field(Buffer.from(name)), field(content)]),
	]);
	return Buffer.concat([varint(body.length), body]);
}

function field(bytes: Uint8Array | null): Buffer {
	return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
}

/** Kafka's signed number of any length. */
export function varint(value: number | bigint): Buffer {
	const signed = BigInt(value);
	let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
	const bytes: number[] = [];
	for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
	return Buffer.from([...bytes, Number(rest)]);
}

function packed(plain: Buffer, codec: number): Buffer {
	if (codec === 1) return gzipSync(plain);
	if (codec === 2)
		return Buffer.from((require("snappyjs") as { compress(b: Buffer): Uint8Array }).compress(plain));
	if (codec === 3) return lz4.compressFrameSync(plain);
	if (codec === 4) return zstdFrame(plain);
	return plain;
}

/** One raw block, which any decoder reads. */
function zstdFrame(content: Buffer): Buffer {
	const sizes = Buffer.alloc(7);
	sizes.writeUInt32LE(content.length, 0);
	sizes.writeUIntLE((content.length << 3) | 1, 4, 3);
	return Buffer.concat([Buffer.from("28b52ffda0", "hex"), sizes, content]);
}

/** A record as whoever reads from the cursor sees it; bytes as base64, so that they can be compared. */
export interface SeenRecord {
	readonly offset: number;
	readonly timestampMs: number;
	readonly key: string | null;
	readonly value: string | null;
	readonly headers: string | null;
}

/** What became of one partition of a fetch. */
export interface SeenFetch {
	readonly records: readonly SeenRecord[];
	/** Where kafkajs's position is behind it; null when it has nothing. */
	readonly nextOffset: number | null;
	readonly unreadable: string | null;
	/** Nothing for `eachBatch`, though there may be offsets to move over. */
	readonly isSkipped: boolean;
}

const DECODERS = { scanner: appendStandIn, kafkajs: appendMessages } as const;
export type DecoderName = keyof typeof DECODERS;
export const DECODER_NAMES = Object.keys(DECODERS) as DecoderName[];

interface KafkaBatch {
	readonly messages: never[];
	readonly rawMessages: readonly object[];
	lastOffset(): string;
}

const Batch = require("kafkajs/src/consumer/batch") as new (
	topic: string,
	fetchedOffset: string,
	data: object,
) => KafkaBatch;

/** The way of a fetch from `from`: decoded, aborted records hidden, filtered by kafkajs, walked over. */
export async function readFetch(
	bytes: Buffer,
	decoder: DecoderName,
	{ from = 0, aborted = [] as readonly AbortedTransaction[] } = {},
): Promise<SeenFetch> {
	registerCodecs();
	patchBatch();
	const { records: messages, unreadable } = await decodeRecordBatches(bytes, DECODERS[decoder], from);
	if (aborted.length > 0) hideAborted(messages, aborted);
	const data = { partition: 0, highWatermark: "9007199254740991", abortedTransactions: [], messages };
	const batch = new Batch("topic", String(from), data);
	const cursor = scannedRecords(batch.messages, from) ?? new BatchCursor(batch.messages);
	return {
		records: seenRecords(cursor),
		nextOffset: batch.rawMessages.length === 0 ? null : Number(batch.lastOffset()) + 1,
		unreadable,
		isSkipped: batch.messages.length === 0,
	};
}

/** Walks to the end, and looks at every field. Throws where a range does not lie within its bytes. */
export function seenRecords(cursor: RecordCursor): SeenRecord[] {
	const seen: SeenRecord[] = [];
	const base64 = (bytes: Uint8Array | null, start: number, end: number): string | null => {
		if (bytes === null) return null;
		if (start < 0 || end < start || end > bytes.length)
			throw new RangeError(`[${start}, ${end}) of ${bytes.length} bytes`);
		return Buffer.from(bytes.subarray(start, end)).toString("base64");
	};
	while (cursor.next()) {
		const { offset, timestampMs, headers } = cursor;
		seen.push({
			offset,
			timestampMs,
			key: base64(cursor.key, cursor.keyStart, cursor.keyEnd),
			value: base64(cursor.value, cursor.valueStart, cursor.valueEnd),
			headers: headers === null ? null : Buffer.from(headers).toString(),
		});
	}
	return seen;
}
