import t from "tap";
import { JAVA_COMPRESSIONS, JAVA_RECORDS, javaBatch } from "../../support/java-batches.ts";
import { DECODER_NAMES, readFetch, type SeenRecord, sealed } from "../../support/record-batches.ts";

const ATTRIBUTES_AT = 21;

function contentOf(records: readonly SeenRecord[]) {
	const text = (bytes: string | null) => Buffer.from(bytes ?? "", "base64").toString();
	return records.map(({ key, value }) => ({ key: text(key), value: text(value) }));
}

/** The batch `offsets` further on in the log. */
function movedBy(batch: Buffer, offsets: number): Buffer {
	batch.writeBigInt64BE(batch.readBigInt64BE(0) + BigInt(offsets), 0);
	return batch;
}

const NOTHING = { records: [], nextOffset: null, isSkipped: true };

for (const decoder of DECODER_NAMES) {
	for (const compression of JAVA_COMPRESSIONS) {
		t.test(`${decoder}: a batch of the Java producer, ${compression}, is read as it was sent`, async (t) => {
			const { records, unreadable } = await readFetch(javaBatch(compression), decoder);
			t.equal(unreadable, null);
			t.same(contentOf(records), JAVA_RECORDS);
			t.same(
				records.map(({ offset }) => offset),
				JAVA_RECORDS.map((_, index) => index),
			);
		});

		t.test(
			`${decoder}: no bit of a batch behind its leader epoch, ${compression}, can flip unseen`,
			async (t) => {
				const bytes = javaBatch(compression).length;
				for (let at = 16; at < bytes; at += 7) {
					const batch = javaBatch(compression);
					batch[at]! ^= 1 << (at % 8);
					const { records, unreadable } = await readFetch(batch, decoder);
					if (unreadable === null || records.length > 0) t.fail(`a bit of byte ${at} flipped`);
				}
			},
		);
	}

	t.test(
		`${decoder}: batches follow each other, and a last one that was cut off is left for the next fetch`,
		async (t) => {
			const whole = Buffer.concat([javaBatch("lz4"), movedBy(javaBatch("zstd"), 12)]);
			const both = await readFetch(whole, decoder);
			t.same(contentOf(both.records), [...JAVA_RECORDS, ...JAVA_RECORDS]);
			t.equal(both.records.at(-1)?.offset, 23);
			for (const cut of [1, 200, javaBatch("zstd").length - 5]) {
				const first = await readFetch(whole.subarray(0, whole.length - cut), decoder);
				t.same([first.records.length, first.unreadable], [12, null], `${cut} bytes less`);
			}
			t.same(await readFetch(Buffer.alloc(0), decoder), { ...NOTHING, unreadable: null });
		},
	);

	t.test(
		`${decoder}: what stands before a batch that cannot be read is delivered; the reason comes with the next fetch`,
		async (t) => {
			const broken = movedBy(javaBatch("gzip"), 12);
			broken[100]! ^= 1;
			const first = await readFetch(Buffer.concat([javaBatch("snappy"), broken]), decoder);
			t.match(first, { unreadable: null, nextOffset: 12 });
			t.equal(first.records.length, 12);
			const second = await readFetch(Buffer.concat([broken, javaBatch("snappy")]), decoder);
			t.equal(second.records.length, 0);
			t.match(second.unreadable, /^the checksum of the batch is [0-9a-f]{8}, that of its bytes [0-9a-f]{8}$/);
		},
	);

	t.test(`${decoder}: a compression that nobody knows is named, not taken for none`, async (t) => {
		const batch = javaBatch("none");
		batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | 7, ATTRIBUTES_AT);
		const unreadable = "compression 7 is unknown to this engine";
		t.same(await readFetch(sealed(batch), decoder), { ...NOTHING, unreadable });
	});

	t.test(`${decoder}: bytes that are not of the compression they claim are refused`, async (t) => {
		const mislabelled = javaBatch("gzip");
		mislabelled.writeInt16BE(4, ATTRIBUTES_AT);
		t.match((await readFetch(sealed(mislabelled), decoder)).unreadable, /^compression Zstandard: /);
	});

	t.test(
		`${decoder}: offsets that compaction left empty move the position, and are handed to nobody`,
		async (t) => {
			const tail = javaBatch("none");
			tail.writeInt32BE(20, 23);
			const { records, nextOffset } = await readFetch(sealed(tail), decoder);
			t.equal(records.length, 12);
			t.equal(nextOffset, 21);

			const empty = javaBatch("none").subarray(0, 61);
			empty.writeInt32BE(61 - 12, 8);
			empty.writeInt32BE(0, 57);
			t.same(await readFetch(sealed(empty), decoder), { ...NOTHING, nextOffset: 12, unreadable: null });
		},
	);
}
