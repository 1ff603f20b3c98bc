import fc from "fast-check";
import t from "tap";
import { INDEX_BYTES, SliceReader, SliceWriter, VALUES_TAIL_BYTES } from "../../workers/slice.ts";
import { append, pack, record, type TestRecord, unpack } from "../support/slices.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 300 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

const MIB = 1024 * 1024;

const bytes = fc.oneof(
	{ weight: 20, arbitrary: fc.uint8Array({ maxLength: 200 }) },
	// Filled, not drawn byte by byte: a megabyte of choices would make the run minutes long.
	{
		weight: 1,
		arbitrary: fc
			.tuple(fc.integer({ min: 1000, max: MIB }), fc.nat(255))
			.map(([size, fill]) => new Uint8Array(size).fill(fill)),
	},
);
const nullable = fc.option(bytes, { freq: 6 });
const arbitraryRecord: fc.Arbitrary<TestRecord> = fc.record({
	partition: fc.oneof(fc.nat(3), fc.nat(100_000)),
	epoch: fc.nat(2),
	offset: fc.maxSafeNat(),
	timestampMs: fc.oneof(fc.constant(-1), fc.maxSafeInteger()),
	value: nullable,
	key: nullable,
	headers: nullable,
});

t.test("a slice gives back every record byte for byte, in order, across many partitions", async (t) => {
	const property = fc.property(
		fc.array(arbitraryRecord, { maxLength: 60 }),
		fc.integer({ min: 1, max: 70_000 }),
		(records, bytesMax) => same(unpack(pack(records, bytesMax)), records),
	);
	fc.assert(property);
	t.pass("every slice was read back");
});

t.test("a writer is used again after every seal, whatever the slice before held", async (t) => {
	const property = fc.property(
		fc.array(fc.array(arbitraryRecord, { maxLength: 20 }), { maxLength: 6 }),
		(slices) => {
			const writer = new SliceWriter(4096);
			return slices.every((records) => {
				for (const each of records) append(writer, each);
				const slice = writer.seal();
				return writer.count === 0 && writer.byteLength === 0 && same(unpack(slice), records);
			});
		},
	);
	fc.assert(property, { numRuns: 100 });
	t.pass("every slice was read back");
});

t.test("buffers are exactly as large as the layout says, and the charge is their sum", async (t) => {
	const records = [
		record({ value: "{}", key: Buffer.from("k1"), headers: Buffer.from("[]") }),
		record({ value: "" }),
		record({ value: null }),
		record({ value: "12345" }),
	];
	const writer = new SliceWriter(1024);
	for (const each of records) append(writer, each);
	const announced = writer.byteLength;
	const slice = writer.seal();
	t.equal(slice.count, 4);
	t.equal(slice.values.byteLength, 2 + 5 + VALUES_TAIL_BYTES, "empty and null take no room");
	t.equal(slice.meta.byteLength, 4);
	t.equal(slice.index.byteLength, 4 * INDEX_BYTES);
	t.equal(slice.byteLength, slice.values.byteLength + slice.meta.byteLength + slice.index.byteLength);
	t.equal(announced, slice.byteLength, "byteLength told before sealing what the slice has after it");
});

t.test("consecutive records of one partition under one claim share a run", async (t) => {
	const places: [number, number][] = [
		[7, 1],
		[7, 1],
		[8, 1],
		[8, 2],
		[8, 2],
		[7, 1],
	];
	const slice = pack(places.map(([partition, epoch], offset) => record({ partition, epoch, offset })));
	t.same(slice.runs, [
		{ partition: 7, epoch: 1, count: 2 },
		{ partition: 8, epoch: 1, count: 1 },
		{ partition: 8, epoch: 2, count: 2 },
		{ partition: 7, epoch: 1, count: 1 },
	]);
	const next = new SliceWriter(1024);
	append(next, record({ partition: 7 }));
	t.same(next.seal().runs.length, 1);
	append(next, record({ partition: 7 }));
	t.same(next.seal().runs, [{ partition: 7, epoch: 1, count: 1 }], "a run does not survive a seal");
});

t.test("thousands of tiny records fit one slice", async (t) => {
	const records = Array.from({ length: 3000 }, (_, offset) =>
		record({
			offset,
			timestampMs: offset,
			partition: offset % 7,
			value: String(offset),
			key: Buffer.from("k"),
		}),
	);
	t.ok(same(unpack(pack(records)), records));
});

t.test("an empty writer seals an empty slice", async (t) => {
	const slice = new SliceWriter(64).seal();
	t.equal(slice.count, 0);
	t.same(unpack(slice), []);
});

t.test("zeros stand behind the last value, also where the writer held something else before", async (t) => {
	const writer = new SliceWriter(64);
	for (const length of [64, 60, 64 - VALUES_TAIL_BYTES, 7, 1, 0]) {
		append(writer, record({ value: "x".repeat(length) }));
		const { values } = new SliceReader(writer.seal());
		t.equal(values.length, length + VALUES_TAIL_BYTES);
		t.ok(
			values.subarray(length).every((byte) => byte === 0),
			`behind ${length} bytes`,
		);
	}
});

/** Deep equality, much faster on megabytes than tap's. */
function same(actual: readonly TestRecord[], expected: readonly TestRecord[]): boolean {
	const equal = (a: Uint8Array | null, b: Uint8Array | null) =>
		a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
	return (
		actual.length === expected.length &&
		actual.every((a, i) => {
			const b = expected[i]!;
			return (
				a.partition === b.partition &&
				a.epoch === b.epoch &&
				a.offset === b.offset &&
				a.timestampMs === b.timestampMs &&
				equal(a.value, b.value) &&
				equal(a.key, b.key) &&
				equal(a.headers, b.headers)
			);
		})
	);
}
