import t from "tap";
import { type AbortedTransaction, hideAborted } from "../../../engine/kafka/aborted.ts";
import type { DecodedRecord } from "../../../engine/kafka/record-batches.ts";

const ABORT = Buffer.from([0, 0, 0, 0]);
const COMMIT = Buffer.from([0, 0, 0, 1]);

/** Producer and kind of each record, from offset 10 on: `A` in a transaction, `a` without one, `A!` abort, `A+` commit. */
function log(text: string): DecodedRecord[] {
	return text.split(" ").map((kind, index) => {
		const isControlRecord = kind.length > 1;
		const key = kind.endsWith("!") ? ABORT : kind.endsWith("+") ? COMMIT : kind === "0" ? ABORT : null;
		const producer = kind === "0" ? "A" : kind[0]!;
		const batchContext = {
			producerId: producer.toUpperCase(),
			inTransaction: producer === producer.toUpperCase(),
		};
		return { offset: String(index + 10), key, isControlRecord, batchContext };
	});
}

/** Offsets, less 10, of the records that the application gets. */
function seen(text: string, aborted: readonly (readonly [producerId: string, first: number])[]): number[] {
	const records = log(text);
	const list: AbortedTransaction[] = aborted.map(([producerId, first]) => {
		return { producerId, firstOffset: String(first + 10) };
	});
	hideAborted(records, list);
	return records.filter((one) => !one.isControlRecord).map(({ offset }) => Number(offset) - 10);
}

t.test("what is aborted is hidden up to its marker, and what follows is not", async (t) => {
	t.same(seen("A A A! A A+", [["A", 0]]), [3]);
	t.same(seen("A A+ A A!", [["A", 2]]), [0]);
	t.same(
		seen("A A! A A!", [
			["A", 0],
			["A", 2],
		]),
		[],
	);
	t.same(seen("A A+", []), [0]);
});

t.test("records of others, and those without a transaction, are none of its business", async (t) => {
	t.same(seen("A B a B+ A!", [["A", 0]]), [1, 2]);
});

t.test(
	"overlapping transactions are hidden though the broker lists them in the order of their aborts",
	async (t) => {
		t.same(
			seen("A A B A B! A A!", [
				["B", 2],
				["A", 0],
			]),
			[],
		);
	},
);

t.test("a fetch that begins in the middle of several aborted ones hides its first record too", async (t) => {
	t.same(
		seen("B A C C! A! B!", [
			["A", -5],
			["C", -4],
			["B", -3],
		]),
		[],
	);
});

t.test("a key that looks like a marker ends nothing", async (t) => {
	t.same(seen("A 0 A A!", [["A", 0]]), []);
});
