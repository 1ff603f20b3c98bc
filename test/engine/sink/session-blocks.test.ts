import fc from "fast-check";
import t from "tap";
import { type SessionBlocks, sessionBlocks } from "../../../engine/sink/session-blocks.ts";
import { type Pair, sessionColumns } from "../../support/candidates.ts";
import { int8, readElements, timestamptz } from "../../support/copy-reader.ts";
import { seedProperties } from "../../support/property-seed.ts";

seedProperties(t, 300);

const MICROS_PER_HOUR = 3_600_000_000n;

/** `hour/block` of each row and the sessions its bits stand for, read by what the columns are described as. */
function rowsOf({ count, hours, blocks, bits }: SessionBlocks): { key: string; members: string[] }[] {
	const columns = [hours, blocks, bits].map((bytes) => readElements(bytes));
	for (const column of columns) if (column.length !== count) throw new Error(`${column.length} of ${count}`);
	return Array.from({ length: count }, (_, i) => {
		const hour = timestamptz(columns[0]![i]!) / MICROS_PER_HOUR;
		const block = int8(columns[1]![i]!);
		const set = int8(columns[2]![i]!);
		const all = Array.from({ length: 64 }, (_, bit) => BigInt(bit)).filter((bit) => (set >> bit) & 1n);
		return { key: `${hour}/${block}`, members: all.map((bit) => `${hour}/${block * 64n + bit}`) };
	});
}

const pairs = fc.array(
	fc.record({
		hour: fc.oneof(fc.integer({ min: -14, max: 20 }), fc.integer({ min: -14, max: 70_389_527 })),
		id: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.maxSafeNat()),
	}),
	{ maxLength: 60 },
);

t.test("every pair is one bit of one row, and no row comes twice", async () => {
	fc.assert(
		fc.property(fc.array(pairs, { maxLength: 4 }), (folds: Pair<number>[][]) => {
			const rows = rowsOf(sessionBlocks(folds.map((fold) => sessionColumns(fold))));
			const wanted = new Set(folds.flat().map(({ hour, id }) => `${hour}/${id}`));
			const members = rows.flatMap((row) => row.members);
			if (new Set(rows.map(({ key }) => key)).size !== rows.length) throw new Error("a row comes twice");
			if (rows.some((row) => row.members.length === 0)) throw new Error("a row is empty");
			return members.length === wanted.size && members.every((member) => wanted.has(member));
		}),
	);
});

t.test("neighbours share a row, up to the last bit", async (t) => {
	const ids = Array.from({ length: 129 }, (_, i) => ({ hour: 485_000, id: i }));
	t.equal(sessionBlocks([sessionColumns(ids)]).count, 3);
	const bits = readElements(sessionBlocks([sessionColumns([{ hour: 0, id: 63 }])]).bits);
	t.equal(int8(bits[0]!), -(2n ** 63n), "bit 63 is the sign");
});

t.test("the same session in two hours is two rows", async (t) => {
	const twice = [1, 2].map((hour) => ({ hour, id: 7 }));
	t.same(
		rowsOf(sessionBlocks([sessionColumns(twice)])).map(({ members }) => members),
		[["1/7"], ["2/7"]],
	);
});

t.test("no candidates are no rows", async (t) => {
	t.equal(sessionBlocks([]).count, 0);
	t.equal(sessionBlocks([sessionColumns([])]).count, 0);
});
