/** The scanner against kafkajs's own decoder, on every kind of batch that can be built; and against broken ones. */
import assert from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { seedProperties } from "../../support/property-seed.ts";
import {
	BASE_TIMESTAMP_MS,
	type BatchFields,
	type BatchRecord,
	batchAround,
	compressed,
	DECODER_NAMES,
	endOfTransaction,
	readFetch,
	recordBatch,
	varint,
} from "../../support/record-batches.ts";

seedProperties(t, 400);

/** What both decoders say, which must be one and the same. */
async function both(bytes: Buffer, options?: Parameters<typeof readFetch>[2]) {
	const [scanner, kafkajs] = await Promise.all(DECODER_NAMES.map((name) => readFetch(bytes, name, options)));
	assert.deepEqual(scanner, kafkajs);
	return scanner!;
}

const bytes = (text: string): Buffer => Buffer.from(text);

t.test("null and empty keys and values, and records of any size", async (t) => {
	const records: BatchRecord[] = [
		{ key: null, value: null },
		{ key: bytes(""), value: bytes("") },
		{ key: bytes("k"), value: null },
		{ key: null, value: bytes("v") },
		...[63, 64, 65, 8_190, 8_192, 1_100_000].map((size) => ({ key: null, value: Buffer.alloc(size, 1) })),
	];
	const { records: seen } = await both(recordBatch({ records }));
	t.match(seen.slice(0, 3), [
		{ key: null, value: null },
		{ key: "", value: "" },
		{ key: "aw==", value: null },
	]);
	t.equal(seen.length, records.length);
});

t.test("headers: several of one name, null, U+0000, and names of every object's properties", async (t) => {
	const headers = [
		["a", bytes("1")],
		["constructor", bytes("c")],
		["__proto__", bytes("p")],
		["a", null],
		["nul\u0000", bytes("")],
		["nothing", null],
		["", bytes("x")],
		["a", bytes("2")],
	] as const;
	const { records } = await both(recordBatch({ records: [{ headers }, { headers: [] }] }));
	t.equal(
		records[0]!.headers,
		'{"a":["MQ==",null,"Mg=="],"constructor":"Yw==","__proto__":"cA==","nul\ufffd":"","nothing":null,"":"eA=="}',
	);
	t.equal(records[1]!.headers, null);
});

t.test(
	"timestamps: deltas of any length, before 1970, none, the broker's own, and out of range",
	async (t) => {
		const deltas = [
			0n,
			-1n,
			63n,
			64n,
			-64n,
			8_191n,
			1n << 27n,
			-(1n << 27n),
			(1n << 27n) - 1n,
			1n << 40n,
			-(1n << 50n),
		];
		const records = deltas.map((timestampDelta) => ({ timestampDelta }));
		for (const baseTimestampMs of [
			BASE_TIMESTAMP_MS,
			0n,
			-1n,
			-5_000n,
			1n << 53n,
			(1n << 62n) - 1n,
			-(1n << 62n),
		]) {
			await both(recordBatch({ records, baseTimestampMs }));
			await both(recordBatch({ records, baseTimestampMs, isLogAppendTime: true }));
		}
		const { records: seen } = await both(recordBatch({ records }));
		t.same(
			seen.map(({ timestampMs }) => BigInt(timestampMs) - BASE_TIMESTAMP_MS),
			deltas,
		);
		const appended = await both(recordBatch({ records, isLogAppendTime: true, maxTimestampMs: 99n }));
		t.same(new Set(appended.records.map(({ timestampMs }) => timestampMs)), new Set([99]));
		const far = await both(recordBatch({ records: [{}], baseTimestampMs: (1n << 63n) - 1n }));
		t.equal(far.records[0]!.timestampMs, Number.MAX_SAFE_INTEGER);
	},
);

t.test("a fetch that begins within a batch gets the rest of it", async (t) => {
	const records = Array.from({ length: 10 }, (_, i) => ({ offsetDelta: 3 * i, value: bytes(String(i)) }));
	const batch = recordBatch({ records, baseOffset: 100, lastOffsetDelta: 40 });
	const rest = await both(batch, { from: 113 });
	t.same([rest.records.map(({ offset }) => offset), rest.nextOffset], [[115, 118, 121, 124, 127], 141]);
	const tail = await both(batch, { from: 128 });
	t.same(
		tail,
		{ records: [], nextOffset: 141, unreadable: null, isSkipped: true },
		"only offsets that compaction left empty",
	);
});

t.test("control batches and aborted transactions move the position alone", async (t) => {
	const data = (baseOffset: number, producerId: bigint, count = 2): Buffer =>
		recordBatch({
			records: Array.from({ length: count }, () => ({ value: bytes(`p${producerId}`) })),
			...{ baseOffset, producerId, inTransaction: true },
		});
	const log = Buffer.concat([
		...[data(0, 1n), data(2, 2n), data(4, 1n), endOfTransaction("abort", 2n, 6)],
		...[data(7, 2n), recordBatch({ records: [{ key: Buffer.alloc(4) }], baseOffset: 9 })],
		...[endOfTransaction("abort", 1n, 10), data(11, 1n), endOfTransaction("commit", 2n, 13)],
	]);
	const aborted = [
		{ producerId: "2", firstOffset: "2" },
		{ producerId: "1", firstOffset: "0" },
	];
	const seen = await both(log, { aborted });
	t.same([seen.records.map(({ offset }) => offset), seen.nextOffset], [[7, 8, 9, 11, 12], 14]);
	const begun = await both(log, { aborted, from: 3 });
	t.same(begun.records, seen.records, "a fetch may begin within both");
	t.same((await both(endOfTransaction("abort", 1n, 3))).records, []);
});

const optionalBytes = fc.option(fc.uint8Array({ maxLength: 90 }), { nil: null });
const header = fc.tuple(fc.string({ unit: "grapheme", maxLength: 5 }), optionalBytes);
const anyRecord = fc.record({
	gap: fc.oneof(
		{ weight: 9, arbitrary: fc.constant(1) },
		{ weight: 1, arbitrary: fc.integer({ min: 2, max: 300 }) },
	),
	timestampDelta: fc.oneof(fc.bigInt(-100n, 100n), fc.bigInt(-(1n << 60n), 1n << 60n)),
	key: optionalBytes,
	value: optionalBytes,
	headers: fc.oneof(
		{ weight: 4, arbitrary: fc.constant([]) },
		{ weight: 1, arbitrary: fc.array(header, { maxLength: 3 }) },
	),
});
const anyBatch = fc.record({
	records: fc.array(anyRecord, { maxLength: 12 }),
	codec: fc.nat(4),
	tail: fc.constantFrom(0, 0, 0, 5),
	baseTimestampMs: fc.oneof(fc.constant(BASE_TIMESTAMP_MS), fc.bigInt(-(1n << 62n), 1n << 62n)),
	isLogAppendTime: fc.boolean(),
	inTransaction: fc.boolean(),
	producerId: fc.bigInt(0n, 2n),
	marker: fc.constantFrom("none", "none", "abort", "commit"),
});
type AnyBatch = typeof anyBatch extends fc.Arbitrary<infer One> ? One : never;

/** One after the other, as in a log that begins at `start`; what a transaction ends with follows its batch. */
function logOf(batches: readonly AnyBatch[], start: number): { log: Buffer; bases: readonly number[] } {
	let next = start;
	const bases: number[] = [];
	const parts: Buffer[] = [];
	for (const { records, tail, marker, ...fields } of batches) {
		let delta = -1;
		const placed = records.map(({ gap, ...record }) => {
			delta += gap;
			return { ...record, offsetDelta: delta };
		});
		const lastOffsetDelta = Math.max(delta, 0) + tail;
		bases.push(next);
		parts.push(recordBatch({ ...fields, records: placed, lastOffsetDelta, baseOffset: next }));
		next += lastOffsetDelta + 1;
		if (marker !== "none") parts.push(endOfTransaction(marker, fields.producerId, next++));
	}
	return { log: Buffer.concat(parts), bases };
}

t.test("whatever a broker may hold, both decoders say the same of it", async (t) => {
	const options = fc.record({
		batches: fc.array(anyBatch, { minLength: 1, maxLength: 5 }),
		start: fc.constantFrom(0, 7, 2 ** 40),
		from: fc.nat(40),
		cut: fc.oneof(fc.constant(0), fc.nat(200)),
		aborted: fc.array(fc.record({ producer: fc.nat(2), batch: fc.nat(4) }), { maxLength: 3 }),
	});
	await fc.assert(
		fc.asyncProperty(options, async ({ batches, start, from, cut, aborted }) => {
			const { log, bases } = logOf(batches, start);
			const list = aborted.map(({ producer, batch }) => {
				// Where a transaction begins, a batch does.
				return { producerId: String(producer), firstOffset: String(bases[batch] ?? start - 1) };
			});
			await both(log.subarray(0, log.length - cut), { from: start + from, aborted: list });
		}),
	);
	t.pass("all logs held");
});

t.test(
	"a batch with any bytes changed, under a checksum that is right, is read within its bounds or refused",
	async (t) => {
		const change = fc.record({ at: fc.nat(4_000), byte: fc.nat(255) });
		const options = fc.record({
			batch: anyBatch,
			changes: fc.array(change, { minLength: 1, maxLength: 4 }),
			// Behind the header, the varints of records are met sooner.
			isHeaderSpared: fc.boolean(),
		});
		const seen = { readable: 0, unreadable: 0 };
		await fc.assert(
			fc.asyncProperty(options, async ({ batch, changes, isHeaderSpared }) => {
				const { log: good } = logOf([{ ...batch, codec: 0, marker: "none" }], 50);
				// What follows is another batch: whoever reads too far finds records there.
				const broken = Buffer.from(good);
				for (const { at, byte } of changes) {
					const first = isHeaderSpared ? 61 : 23;
					// What stands compressed was broken before.
					if (first < broken.length) broken[first + (at % (broken.length - first))] = byte;
				}
				const { records, nextOffset, unreadable } = await readFetch(
					Buffer.concat([compressed(broken, batch.codec), logOf([batch], 2 ** 40).log]),
					"scanner",
				);
				if (unreadable === null) seen.readable++;
				else seen.unreadable++;
				if (unreadable !== null) assert.deepEqual([records, nextOffset], [[], null]);
				for (let i = 1; i < records.length; i++) assert.ok(records[i]!.offset > records[i - 1]!.offset);
			}),
			{ numRuns: 3_000 },
		);
		t.ok(seen.readable > 50 && seen.unreadable > 50, JSON.stringify(seen));
	},
);

/** What the scanner says of one record that is made of these parts. */
async function reasonOf(record: Buffer, fields: Partial<BatchFields> & { lastOffsetDelta?: number } = {}) {
	const batch = batchAround({ records: [{}], lastOffsetDelta: 0, ...fields }, record);
	// The batch behind it is good: nothing of it may be taken for a part of the first.
	const next = recordBatch({ records: [{ value: bytes("next") }], baseOffset: 1_000 });
	const { unreadable, records } = await readFetch(Buffer.concat([batch, next]), "scanner");
	assert.deepEqual(records, []);
	return unreadable;
}

t.test("what does not fit into a batch is named", async (t) => {
	const body = (...parts: readonly Buffer[]): Buffer => {
		const all = Buffer.concat([Buffer.from([0]), ...parts]);
		return Buffer.concat([varint(all.length), all]);
	};
	const [none, zero] = [varint(-1), varint(0)];
	const lengths = /do not add up|a number of a record is broken/;
	t.match(await reasonOf(body(zero, zero, varint(50), none, zero)), lengths, "a key beyond the batch");
	t.match(await reasonOf(body(zero, zero, none, varint(2 ** 31 - 1), zero)), lengths, "a value beyond all");
	t.match(await reasonOf(body(zero, zero, none, none)), lengths, "no room for the headers' count");
	t.match(await reasonOf(Buffer.concat([varint(90), Buffer.alloc(8)])), lengths, "a record beyond the batch");
	t.match(await reasonOf(varint(-1)), lengths);
	t.match(await reasonOf(body(zero, zero, none, none, varint(-2))), /number of headers is negative/);
	t.match(await reasonOf(body(zero, zero, none, none, varint(1), none, none)), /has no name/);
	t.match(await reasonOf(body(zero, zero, none, none, varint(1), varint(9), none)), /broken|add up/);
	t.match(await reasonOf(body(zero, zero, none, none, varint(2 ** 31 - 1))), /broken|add up/);
	// A record as long as its last header claims to be, which is longer than the batch.
	const [start, long] = [
		Buffer.concat([Buffer.from([0]), zero, zero, none, none, varint(1), varint(0)]),
		varint(90),
	];
	const beyond = Buffer.concat([varint(start.length + long.length + 90), start, long]);
	t.match(await reasonOf(beyond), lengths, "a header beyond the batch");
	t.match(await reasonOf(body(zero, varint(1), none, none, zero)), /is not one of its batch/);
	t.match(await reasonOf(body(zero, varint(-1), none, none, zero)), /is not one of its batch/);
	t.match(await reasonOf(body(Buffer.alloc(11, 0xff), zero)), /number of a record is broken/);
	t.match(await reasonOf(body(zero, Buffer.alloc(6, 0xff), zero)), /number of a record is broken/);
	const whole = body(zero, zero, none, none, zero);
	t.match(await reasonOf(Buffer.concat([whole, whole])), /7 bytes of the batch are behind its last record/);
	t.match(await reasonOf(whole, { records: [{}, {}], lastOffsetDelta: 1 }), lengths, "fewer than it says");
	const twice = Buffer.concat([whole, whole]);
	t.match(await reasonOf(twice, { records: [{}, {}], lastOffsetDelta: 1 }), /is not one of its batch/);
	t.match(await reasonOf(whole, { lastOffsetDelta: -1 }), /the batch claims the offsets 0 to -1/);
	t.match(
		await reasonOf(whole, { baseOffset: Number.MAX_SAFE_INTEGER, lastOffsetDelta: 1 }),
		/claims the offsets/,
	);
});
