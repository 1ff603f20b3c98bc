import fc from "fast-check";
import t from "tap";
import { EVENT_TYPES } from "../../schema/event.ts";
import type { EventFields } from "../../schema/validate.ts";
import { EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import { RowEncoder, writeNumeric } from "../../workers/copy-rows.ts";
import { int4, int8, numeric, readElements, readTuples, text, timestamptz } from "../support/copy-reader.ts";
import { eventFields, foldedEvent } from "../support/event-fields.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 300 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

t.test("rows come back from COPY binary as they went in", async (t) => {
	const row = fc.tuple(eventFields, fc.maxSafeNat());
	fc.assert(
		fc.property(fc.array(row, { maxLength: 80 }), fc.nat(2 ** 31 - 1), (rows, partition) => {
			const encoder = new RowEncoder(partition);
			for (const [event, offset] of rows) encoder.add(foldedEvent(event), offset);
			const tuples = readTuples(encoder.take());
			t.equal(tuples.length, rows.length);
			return tuples.every((tuple, i) => matches(tuple, rows[i]![0], partition, rows[i]![1]));
		}),
		{ numRuns: 100 },
	);
});

t.test(
	"amounts of every size are numeric with two decimals, as Postgres itself would store them",
	async (t) => {
		const exact = (cents: number) => {
			const out = new DataView(new ArrayBuffer(20));
			const end = writeNumeric(out, 0, cents);
			const [field] = readElements(new Uint8Array(out.buffer, 0, end));
			const { unscaled, scale } = numeric(field!);
			return unscaled === BigInt(cents) && scale === 2;
		};
		fc.assert(fc.property(fc.nat(10 ** 14 - 1), exact), { numRuns: 5000 });
		const edges = [0, 1, 99, 100, 10_000, 999_999, 1_000_000, 1_000_001, 100_000_000, 10 ** 10, 10 ** 14 - 1];
		for (const cents of edges) t.ok(exact(cents), `${cents} cents`);
		for (let digits = 0; digits < 14; digits++) t.ok(exact(10 ** digits), `10^${digits} cents`);
	},
);

t.test("an encoder that was emptied starts anew", async (t) => {
	const encoder = new RowEncoder(1);
	const event: EventFields = { typeIndex: 0, userId: "u", sessionId: 1, cents: -1, seconds: 0, micros: 0 };
	encoder.add(foldedEvent(event), 1);
	t.equal(readTuples(encoder.take()).length, 1);
	t.equal(encoder.take().length, 0);
	encoder.add(foldedEvent(event), 2);
	t.equal(int8(readTuples(encoder.take())[0]![6]!), 2n);
});

function matches(
	tuple: readonly (Buffer | null)[],
	event: EventFields,
	partition: number,
	offset: number,
): boolean {
	const [time, type, user, session, amount, kafkaPartition, kafkaOffset] = tuple as (Buffer | null)[];
	return (
		tuple.length === EVENT_COLUMNS.length &&
		timestamptz(time!) === BigInt(event.seconds) * 1_000_000n + BigInt(event.micros) &&
		text(type!) === EVENT_TYPES[event.typeIndex] &&
		text(user!) === event.userId &&
		int8(session!) === BigInt(event.sessionId) &&
		(event.cents < 0 ? amount === null : numeric(amount!).unscaled === BigInt(event.cents)) &&
		int4(kafkaPartition!) === partition &&
		int8(kafkaOffset!) === BigInt(offset)
	);
}
