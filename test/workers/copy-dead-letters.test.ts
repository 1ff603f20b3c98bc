import fc from "fast-check";
import t from "tap";
import { REASONS, type Reason, stageOf } from "../../schema/reasons.ts";
import { DeadLetterEncoder, type Refusal } from "../../workers/copy-dead-letters.ts";
import { DEAD_LETTER_COLUMNS } from "../../workers/copy-layout.ts";
import { SliceReader } from "../../workers/slice.ts";
import { int4, int8, readTuples, text, timestamptz } from "../support/copy-reader.ts";
import { pack, record, type TestRecord } from "../support/slices.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 300 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

const JSONB_VERSION = Uint8Array.of(1);

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { freq: 4 });
const detail = fc.option(fc.string({ unit: "grapheme", maxLength: 100 }).map((s) => s.replaceAll("\0", "")));
const letter = fc.record({
	offset: fc.maxSafeNat(),
	timestampMs: fc.oneof(
		fc.integer({ min: 0, max: 2 ** 42 }),
		fc.maxSafeInteger(),
		fc.constantFrom(
			-1,
			-2,
			0,
			-62_135_596_800_000,
			253_402_300_799_999,
			253_402_300_800_000,
			-62_135_596_800_001,
		),
	),
	value: bytes,
	key: bytes,
	headers: fc.option(fc.json().map((json) => Buffer.from(json))),
	reason: fc.constantFrom(...(Object.keys(REASONS) as Reason[])),
	pointer: detail,
	detail,
});

function encode(topic: string, partition: number, letters: readonly (Partial<TestRecord> & Refusal)[]) {
	const encoder = new DeadLetterEncoder(topic, partition);
	const reader = new SliceReader(pack(letters.map((each) => record({ ...each, partition }))));
	for (const each of letters) {
		reader.next();
		encoder.add(reader, each);
	}
	return readTuples(encoder.take());
}

t.test("dead letters come back with their original bytes and the reason", async (t) => {
	fc.assert(
		fc.property(fc.array(letter, { maxLength: 30 }), fc.nat(2 ** 31 - 1), (letters, partition) => {
			const tuples = encode("user_events.é", partition, letters);
			t.equal(tuples.length, letters.length);
			for (const [i, tuple] of tuples.entries()) {
				const expected = letters[i]!;
				const field = Object.fromEntries(DEAD_LETTER_COLUMNS.map((name, at) => [name, tuple[at]!]));
				const same = (actual: Buffer | null, wanted: Uint8Array | null) =>
					wanted === null || actual === null ? actual === wanted : actual.equals(wanted);
				const ok =
					tuple.length === DEAD_LETTER_COLUMNS.length &&
					text(field["topic"]!) === "user_events.é" &&
					int4(field["kafka_partition"]!) === partition &&
					int8(field["kafka_offset"]!) === BigInt(expected.offset) &&
					same(field["key"]!, expected.key) &&
					same(field["value"]!, expected.value) &&
					same(field["headers"]!, expected.headers && Buffer.concat([JSONB_VERSION, expected.headers])) &&
					text(field["stage"]!) === stageOf(expected.reason) &&
					text(field["reason"]!) === expected.reason &&
					same(field["pointer"]!, expected.pointer === null ? null : Buffer.from(expected.pointer)) &&
					same(field["detail"]!, expected.detail === null ? null : Buffer.from(expected.detail)) &&
					timestampIs(field["kafka_timestamp"]!, expected.timestampMs);
				if (!ok) return false;
			}
			return true;
		}),
		{ numRuns: 100 },
	);
});

/** Years 1 to 9999 as they are; no timestamp, and what no calendar holds, is NULL. */
function timestampIs(field: Buffer | null, timestampMs: number): boolean {
	const oldest = Date.UTC(2000, 0, 1) - 63_082_281_600_000;
	const newest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
	if (timestampMs === -1 || timestampMs < oldest || timestampMs > newest) return field === null;
	return field !== null && timestamptz(field) === BigInt(timestampMs) * 1000n;
}

t.test("a dead letter of several megabytes is one whole tuple", async (t) => {
	const value = new Uint8Array(5_000_000).fill(0xff);
	const refusal = { reason: "utf8", pointer: null, detail: null } as const;
	const tuples = encode("topic", 1, [
		{ offset: 1, value: Buffer.from("x"), ...refusal },
		{ offset: 2, value, ...refusal },
		{ offset: 3, value: null, ...refusal },
	]);
	t.equal(tuples.length, 3);
	t.ok(tuples[1]![5]!.equals(value));
	t.equal(tuples[2]![5], null);
});
