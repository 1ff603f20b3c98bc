import { createRequire } from "node:module";
import t from "tap";
import { produceBytes, readProduceAnswer, writeProduce } from "../../../../perf/support/load/produce-wire.ts";
import { BatchBuilder } from "../../../../perf/support/load/record-batch.ts";
import { readBatch } from "./read-batch.ts";

const require = createRequire(import.meta.url);
const KafkaDecoder = require("kafkajs/src/protocol/decoder") as new (
	bytes: Buffer,
) => {
	offset: number;
	readInt16(): number;
	readInt32(): number;
	readString(): string | null;
	readBytes(): Buffer;
};

function batchFor(partition: number, value: string) {
	const builder = new BatchBuilder(partition);
	const bytes = Buffer.from(value);
	builder.add(bytes, 0, 1, 0, bytes.length);
	return builder.finish()!;
}

t.test("a request is read by kafkajs's decoder as it was meant, to its last byte", async (t) => {
	const batches = [
		{ batch: batchFor(0, "first"), timestampMs: 1_790_000_000_000 },
		{ batch: batchFor(7, "second"), timestampMs: 1_790_000_000_005 },
	];
	const target = Buffer.alloc(produceBytes("topic-ä", batches) + 100, 0xee);
	const length = writeProduce(target, { topic: "topic-ä", batches, correlation: 77, ackTimeoutMs: 5_000 });
	t.equal(length, produceBytes("topic-ä", batches));
	const decoder = new KafkaDecoder(target.subarray(0, length));
	t.equal(decoder.readInt32(), length - 4);
	t.strictSame([decoder.readInt16(), decoder.readInt16(), decoder.readInt32()], [0, 8, 77]);
	t.strictSame([decoder.readString(), decoder.readString()], ["lottery-perf", null]);
	t.strictSame([decoder.readInt16(), decoder.readInt32()], [-1, 5_000], "acks of all, and a limit");
	t.strictSame([decoder.readInt32(), decoder.readString(), decoder.readInt32()], [1, "topic-ä", 2]);
	for (const [partition, value] of [
		[0, "first"],
		[7, "second"],
	] as const) {
		t.equal(decoder.readInt32(), partition);
		t.match(await readBatch(decoder.readBytes()), [{ value: Buffer.from(value) }]);
	}
	t.equal(decoder.offset, length);
});

t.test("an answer tells offsets, errors and what the broker says of them", (t) => {
	const text = (value: string | null) => {
		const length = Buffer.alloc(2);
		length.writeInt16BE(value === null ? -1 : value.length);
		return Buffer.concat([length, Buffer.from(value ?? "")]);
	};
	const int32 = (value: number) => {
		const bytes = Buffer.alloc(4);
		bytes.writeInt32BE(value);
		return bytes;
	};
	const int64 = (value: number) => {
		const bytes = Buffer.alloc(8);
		bytes.writeBigInt64BE(BigInt(value));
		return bytes;
	};
	const error = (code: number) => int32(code).subarray(2);
	const answer = Buffer.concat([
		int32(42),
		int32(1),
		text("t"),
		int32(3),
		...[int32(5), error(0), int64(2 ** 40), int64(-1), int64(0), int32(0), text(null)],
		...[int32(6), error(87), int64(-1), int64(-1), int64(-1), int32(1), int32(3), text("no key"), text(null)],
		...[int32(1), error(10), int64(-1), int64(-1), int64(-1), int32(0), text("too large")],
		int32(0),
	]);
	t.strictSame(readProduceAnswer(answer), {
		correlation: 42,
		partitions: [
			{ partition: 5, errorCode: 0, baseOffset: 2 ** 40, errorText: null },
			{ partition: 6, errorCode: 87, baseOffset: -1, errorText: "no key" },
			{ partition: 1, errorCode: 10, baseOffset: -1, errorText: "too large" },
		],
	});
	t.end();
});
