/**
 * Produce, version 8, to one topic: the request with stamped batches, and what the broker answers.
 * https://kafka.apache.org/protocol#The_Messages_Produce
 */
import { type RecordBatch, stampBatch } from "./record-batch.ts";

/** A batch and the time that its records carry, in ms since 1970. */
export interface StampedBatch {
	readonly batch: RecordBatch;
	readonly timestampMs: number;
}

export interface ProduceAnswer {
	readonly partition: number;
	/** 0: none. */
	readonly errorCode: number;
	/** What the broker says of it, when it says anything. */
	readonly errorText: string | null;
	readonly baseOffset: number;
}

const PRODUCE = 0;
const VERSION = 8;
const ACKS_ALL = -1;
const CLIENT_ID = "lottery-perf";
const FIXED_BYTES = 4 + 2 + 2 + 4 + 2 + 2 + 2 + 4 + 4 + 2 + 4;

/** Bytes that `writeProduce` will write, its length field included. */
export function produceBytes(topic: string, batches: readonly StampedBatch[]): number {
	let bytes = FIXED_BYTES + Buffer.byteLength(CLIENT_ID) + Buffer.byteLength(topic);
	for (const { batch } of batches) bytes += 8 + batch.bytes.length;
	return bytes;
}

export interface ProduceRequest {
	readonly topic: string;
	/** Each of another partition: the broker takes one batch a partition and request. */
	readonly batches: readonly StampedBatch[];
	/** Repeated by the answer. */
	readonly correlation: number;
	/** How long the broker may wait for its followers. */
	readonly ackTimeoutMs: number;
}

/** Writes the request to the start of `target` and returns its length. */
export function writeProduce(target: Buffer, request: ProduceRequest): number {
	const { topic, batches, correlation, ackTimeoutMs } = request;
	let at = 4;
	const int16 = (value: number) => {
		at = target.writeInt16BE(value, at);
	};
	const int32 = (value: number) => {
		at = target.writeInt32BE(value, at);
	};
	const text = (value: string) => {
		int16(Buffer.byteLength(value));
		at += target.write(value, at);
	};
	int16(PRODUCE);
	int16(VERSION);
	int32(correlation);
	text(CLIENT_ID);
	int16(-1); // no transactional id
	int16(ACKS_ALL);
	int32(ackTimeoutMs);
	int32(1);
	text(topic);
	int32(batches.length);
	for (const { batch, timestampMs } of batches) {
		int32(batch.partition);
		int32(batch.bytes.length);
		stampBatch(batch, target, at, timestampMs);
		at += batch.bytes.length;
	}
	target.writeInt32BE(at - 4, 0);
	return at;
}

/** @param answer without its length field */
export function readProduceAnswer(answer: Buffer): { correlation: number; partitions: ProduceAnswer[] } {
	let at = 0;
	const int16 = () => {
		at += 2;
		return answer.readInt16BE(at - 2);
	};
	const int32 = () => {
		at += 4;
		return answer.readInt32BE(at - 4);
	};
	const int64 = () => {
		at += 8;
		return Number(answer.readBigInt64BE(at - 8));
	};
	const text = () => {
		const length = int16();
		if (length < 0) return null;
		at += length;
		return answer.toString("utf8", at - length, at);
	};
	const correlation = int32();
	const partitions: ProduceAnswer[] = [];
	for (let topics = int32(); topics > 0; topics--) {
		text();
		for (let count = int32(); count > 0; count--) {
			const partition = int32();
			const errorCode = int16();
			const baseOffset = int64();
			int64(); // append time of the log
			int64(); // its start
			let errorText: string | null = null;
			for (let refused = int32(); refused > 0; refused--) {
				int32();
				errorText ??= text();
			}
			errorText = text() ?? errorText;
			partitions.push({ partition, errorCode, errorText, baseOffset });
		}
	}
	return { correlation, partitions };
}
