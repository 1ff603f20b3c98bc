import t from "tap";
import { registerCodecs } from "../../../engine/kafka/codecs.ts";
import { crc32c } from "../../../engine/kafka/crc32c.ts";
import { decodeRecordBatches } from "../../../engine/kafka/record-batches.ts";
import { JAVA_COMPRESSIONS, JAVA_RECORDS, javaBatch } from "../../support/java-batches.ts";

interface Readable {
	readonly offset: string;
	readonly key?: Buffer | null;
	readonly value?: Buffer | null;
}

const ATTRIBUTES_AT = 21;

registerCodecs();

function contentOf(records: readonly Readable[]) {
	return records.map(({ key, value }) => ({ key: String(key), value: String(value) }));
}

/** The batch `offsets` further on in the log. */
function movedBy(batch: Buffer, offsets: number): Buffer {
	batch.writeBigInt64BE(batch.readBigInt64BE(0) + BigInt(offsets), 0);
	return batch;
}

/** After a change behind the checksum. */
function sealed(batch: Buffer): Buffer {
	batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), 17);
	return batch;
}

for (const compression of JAVA_COMPRESSIONS) {
	t.test(`a batch of the Java producer, compression ${compression}, is read as it was sent`, async (t) => {
		const { records, unreadable } = await decodeRecordBatches(javaBatch(compression));
		t.equal(unreadable, null);
		t.same(contentOf(records), JAVA_RECORDS);
		t.same(
			records.map(({ offset }) => Number(offset)),
			JAVA_RECORDS.map((_, index) => index),
		);
	});

	t.test(
		`no bit of a batch behind its leader epoch, compression ${compression}, can flip unseen`,
		async (t) => {
			const bytes = javaBatch(compression).length;
			for (let at = 16; at < bytes; at += 7) {
				const batch = javaBatch(compression);
				batch[at]! ^= 1 << (at % 8);
				const { records, unreadable } = await decodeRecordBatches(batch);
				if (unreadable === null || records.length > 0) t.fail(`a bit of byte ${at} flipped`);
			}
		},
	);
}

t.test("batches follow each other, and a last one that was cut off is left for the next fetch", async (t) => {
	const whole = Buffer.concat([javaBatch("lz4"), movedBy(javaBatch("zstd"), 12)]);
	const both = await decodeRecordBatches(whole);
	t.same(contentOf(both.records), [...JAVA_RECORDS, ...JAVA_RECORDS]);
	t.equal(both.records.at(-1)?.offset, "23");
	for (const cut of [1, 200, javaBatch("zstd").length - 5]) {
		const { records, unreadable } = await decodeRecordBatches(whole.subarray(0, whole.length - cut));
		t.same([records.length, unreadable], [12, null], `${cut} bytes less`);
	}
	t.same(await decodeRecordBatches(Buffer.alloc(0)), { records: [], unreadable: null });
});

t.test(
	"what stands before a batch that cannot be read is delivered; the reason comes with the next fetch",
	async (t) => {
		const broken = movedBy(javaBatch("gzip"), 12);
		broken[100]! ^= 1;
		const first = await decodeRecordBatches(Buffer.concat([javaBatch("snappy"), broken]));
		t.same([first.records.length, first.unreadable], [12, null]);
		const second = await decodeRecordBatches(Buffer.concat([broken, javaBatch("snappy")]));
		t.equal(second.records.length, 0);
		t.match(second.unreadable, /^the checksum of the batch is [0-9a-f]{8}, that of its bytes [0-9a-f]{8}$/);
	},
);

t.test("a compression that nobody knows is named, not taken for none", async (t) => {
	const batch = javaBatch("none");
	batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | 7, ATTRIBUTES_AT);
	t.same(await decodeRecordBatches(sealed(batch)), {
		records: [],
		unreadable: "compression 7 is unknown to this engine",
	});
});

t.test(
	"bytes that are not of the compression they claim, and a wrong count of records, are refused",
	async (t) => {
		const mislabelled = javaBatch("gzip");
		mislabelled.writeInt16BE(4, ATTRIBUTES_AT);
		t.match((await decodeRecordBatches(sealed(mislabelled))).unreadable, /^compression Zstandard: /);
	},
);

t.test("offsets that compaction left empty are covered by a marker that nobody gets", async (t) => {
	const tail = javaBatch("none");
	tail.writeInt32BE(20, 23);
	const { records } = await decodeRecordBatches(sealed(tail));
	t.equal(records.length, 13);
	t.match(records.at(-1), { offset: "20", isControlRecord: true });

	const empty = javaBatch("none").subarray(0, 61);
	empty.writeInt32BE(61 - 12, 8);
	empty.writeInt32BE(0, 57);
	const nothing = await decodeRecordBatches(sealed(empty));
	t.match(nothing, { records: [{ offset: "11", isControlRecord: true }], unreadable: null });
});
