import t from "tap";
import { crc32c } from "../../../../engine/kafka/crc32c.ts";
import { BatchBuilder, type RecordBatch, stampBatch } from "../../../../perf/support/load/record-batch.ts";
import { JAVA_RECORDS, javaBatch } from "../../../support/java-batches.ts";
import { type ReadRecord, readBatch } from "./read-batch.ts";

const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;

function add(builder: BatchBuilder, key: string | null, value: string): void {
	const bytes = Buffer.from(`..${key ?? ""}${value}..`);
	const keyEnd = 2 + Buffer.byteLength(key ?? "");
	builder.add(bytes, key === null ? -1 : 2, keyEnd, keyEnd, bytes.length - 2);
}

function stamped(batch: RecordBatch, timestampMs: number): Buffer {
	const target = Buffer.alloc(batch.bytes.length + 10, 0xee);
	stampBatch(batch, target, 5, timestampMs);
	return target.subarray(5, -5);
}

t.test(
	"a batch is, but for times and the producer's id, what the Java producer makes of the same records",
	(t) => {
		const same = javaBatch("none");
		const builder = new BatchBuilder(0);
		for (const { key, value } of JAVA_RECORDS) add(builder, key, value);
		const ours = stamped(builder.finish()!, Number(same.readBigInt64BE(BASE_TIMESTAMP_AT)));
		// What differs on purpose: the leader's epoch that the broker wrote, a time for each record, an idempotent producer.
		same.writeInt32BE(-1, 12);
		same.copy(same, MAX_TIMESTAMP_AT, BASE_TIMESTAMP_AT, MAX_TIMESTAMP_AT);
		same.fill(0xff, 43, 57);
		for (let at = 61; at < same.length; at += 2 + ((same[at]! & 0x7f) | (same[at + 1]! << 7)) / 2)
			same[at + 3] = 0;
		same.writeUInt32BE(crc32c(same, 21), 17);
		t.strictSame(ours, same);
		t.end();
	},
);

t.test("keys, values, offsets and the time are read back, with and without a key", async (t) => {
	const builder = new BatchBuilder(3);
	const records = Array.from({ length: 200 }, (_, i) => ({
		key: i % 7 === 0 ? null : `user_${i}`,
		value: "v".repeat(i * 13),
	}));
	for (const { key, value } of records) add(builder, key, value);
	const batch = builder.finish()!;
	t.match(batch, { partition: 3, records: 200 });
	const timestampMs = 1_790_000_000_123;
	const found = await readBatch(stamped(batch, timestampMs));
	t.strictSame(
		found.map(({ key, value }) => ({ key: key?.toString() ?? null, value: value?.toString() })),
		records,
	);
	t.strictSame(
		found.map(({ offset }) => Number(offset)),
		records.map((_, i) => i),
	);
	t.ok(found.every(({ timestamp }) => Number(timestamp) === timestampMs));
});

t.test("a batch can be sent again with another time", async (t) => {
	const builder = new BatchBuilder(0);
	add(builder, "a", "1");
	const batch = builder.finish()!;
	for (const timestampMs of [1, 2 ** 32 - 1, 2 ** 32, 1_790_000_000_000]) {
		const [record] = await readBatch(stamped(batch, timestampMs));
		t.equal(Number(record?.timestamp), timestampMs);
	}
});

t.test("batches that share memory, and one larger than a piece of it, keep their records", async (t) => {
	const builder = new BatchBuilder(0);
	const batches: RecordBatch[] = [];
	const values = [3, 400_000, 500_000, 5, 3_000_000, 7, 900_000, 100_000];
	for (const [i, size] of values.entries()) {
		add(builder, null, String.fromCharCode(97 + i).repeat(size));
		if (i % 3 === 2) batches.push(builder.finish()!);
	}
	batches.push(builder.finish()!);
	t.equal(builder.finish(), null, "nothing was added since");
	const found: ReadRecord[] = [];
	for (const batch of batches) found.push(...(await readBatch(stamped(batch, 0))));
	t.strictSame(
		found.map(({ value }) => [value?.length, String.fromCharCode(value![0]!)]),
		values.map((size, i) => [size, String.fromCharCode(97 + i)]),
	);
});
