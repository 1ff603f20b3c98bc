import fc from "fast-check";
import t from "tap";
import {
	type BlockLayout,
	MemberBlocks,
	SESSION_BLOCKS,
	USER_BLOCKS,
} from "../../../engine/sink/member-blocks.ts";
import { createRandom } from "../../../producer/random.ts";
import { int4, int8, readElements, timestamptz } from "../../support/copy-reader.ts";
import { seedProperties } from "../../support/property-seed.ts";
import { shuffled } from "../../support/shuffled.ts";

seedProperties(t, 300);

/** Hours between 1970 and 2000, where Postgres's time begins. */
const HOURS_2000 = 262_968;
const MICROS_PER_HOUR = 3_600_000_000;

interface Pair {
	/** Whole hours since 1970. */
	readonly hour: number;
	readonly member: number;
}

interface Kind {
	readonly layout: BlockLayout;
	readonly membersPerRow: number;
	/** Which bits are set, read by what the type is described as. */
	readonly bitsOf: (field: Buffer | null) => number[];
}

const sizeOf = (field: Buffer | null): number => field?.length ?? -1;

const KINDS: Readonly<Record<string, Kind>> = {
	sessions: {
		layout: SESSION_BLOCKS,
		membersPerRow: 64,
		bitsOf: (field) => indexes(64, (bit) => ((int8(field) >> BigInt(bit)) & 1n) === 1n),
	},
	users: {
		layout: USER_BLOCKS,
		membersPerRow: 1_024,
		// varbit_recv: the length in bits, then the bits, the first one the highest of the first byte.
		bitsOf: (field) => {
			if (sizeOf(field) !== 132) throw new Error(`an element of ${sizeOf(field)} bytes`);
			const length = int4(field!.subarray(0, 4));
			if (length !== 1_024) throw new Error(`${length} bits`);
			const digits = [...field!.subarray(4)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
			return indexes(length, (bit) => digits[bit] === "1");
		},
	},
};

function indexes(count: number, holds: (index: number) => boolean): number[] {
	return Array.from({ length: count }, (_, index) => index).filter(holds);
}

function blocksOf({ layout }: Kind, pairs: Iterable<Pair>) {
	const blocks = new MemberBlocks(layout);
	for (const { hour, member } of pairs) blocks.add((hour - HOURS_2000) * MICROS_PER_HOUR, member);
	return blocks.columns();
}

/** `hour/block` of each row, and `hour/member` for each of its bits. */
function rowsOf(kind: Kind, pairs: Iterable<Pair>): { key: string; members: string[] }[] {
	const { count, hours, blocks, bits } = blocksOf(kind, pairs);
	const columns = [hours, blocks, bits].map((bytes) => readElements(bytes));
	for (const column of columns) if (column.length !== count) throw new Error(`${column.length} of ${count}`);
	return Array.from({ length: count }, (_, i) => {
		const micros = timestamptz(columns[0]![i]!);
		if (micros % BigInt(MICROS_PER_HOUR) !== 0n) throw new Error(`${micros} is no whole hour`);
		const hour = micros / BigInt(MICROS_PER_HOUR);
		const block = int8(columns[1]![i]!);
		const first = block * BigInt(kind.membersPerRow);
		const members = kind.bitsOf(columns[2]![i]!).map((bit) => `${hour}/${first + BigInt(bit)}`);
		return { key: `${hour}/${block}`, members };
	});
}

/** Empty when every pair is one bit of one row, no row comes twice, and there is nothing else. */
function problemsOf(kind: Kind, pairs: readonly Pair[]): string[] {
	const rows = rowsOf(kind, pairs);
	const wanted = new Set(pairs.map(({ hour, member }) => `${hour}/${member}`));
	const members = rows.flatMap((row) => row.members);
	const found = new Set(members);
	return [
		...(new Set(rows.map(({ key }) => key)).size === rows.length ? [] : ["a row comes twice"]),
		...rows.filter((row) => row.members.length === 0).map(({ key }) => `${key} is empty`),
		...(found.size === members.length ? [] : ["a member comes twice"]),
		...members.filter((member) => !wanted.has(member)).map((member) => `${member} was never added`),
		...[...wanted].filter((member) => !found.has(member)).map((member) => `${member} is missing`),
	];
}

const anyPairs = fc.array(
	fc.record({
		hour: fc.oneof(fc.integer({ min: -14, max: 20 }), fc.integer({ min: -14, max: 70_389_527 })),
		member: fc.oneof(fc.nat(200), fc.nat(5_000), fc.maxSafeNat()),
	}),
	{ maxLength: 200 },
);

for (const [name, kind] of Object.entries(KINDS)) {
	t.test(`${name}: every pair is one bit of one row, and no row comes twice`, async () => {
		fc.assert(
			fc.property(anyPairs, (pairs) => {
				const problems = problemsOf(kind, pairs);
				if (problems.length > 0) throw new Error(problems.slice(0, 5).join("; "));
			}),
		);
	});

	t.test(`${name}: thousands of rows, met in any order`, async (t) => {
		const random = createRandom(7);
		const rows = indexes(3_000, () => true);
		const pairs = rows.flatMap((row) => {
			const hour = 485_000 + (row % 7);
			const first = Math.floor(row / 7) * kind.membersPerRow;
			return [0, random.below(kind.membersPerRow), kind.membersPerRow - 1].map((bit) => ({
				hour,
				member: first + bit,
			}));
		});
		t.equal(blocksOf(kind, pairs).count, rows.length);
		t.same(problemsOf(kind, pairs), [], "row after row");
		t.same(problemsOf(kind, shuffled(pairs, random)), [], "and back and forth");
	});

	t.test(`${name}: neighbours share a row, up to its last bit`, async (t) => {
		const hour = 485_000;
		const { membersPerRow } = kind;
		const pairs = indexes(2 * membersPerRow + 1, () => true).map((member) => ({ hour, member }));
		t.same(
			rowsOf(kind, pairs).map(({ members }) => members.length),
			[membersPerRow, membersPerRow, 1],
		);
	});

	t.test(`${name}: the same member in two hours is two rows`, async (t) => {
		const twice = [1, 2, 1].map((hour) => ({ hour, member: 7 }));
		t.same(
			rowsOf(kind, twice).map(({ members }) => members),
			[["1/7"], ["2/7"]],
		);
	});

	t.test(`${name}: nothing added is no rows`, async (t) => {
		const { count, ...columns } = blocksOf(kind, []);
		t.equal(count, 0);
		for (const bytes of Object.values(columns)) t.equal(bytes.length, 0);
	});
}

t.test("columns are cut where the rows end, and more may be added afterwards", async (t) => {
	const blocks = new MemberBlocks(USER_BLOCKS);
	for (const rows of [1, 64, 65, 128, 129]) {
		for (let row = blocks.columns().count; row < rows; row++) blocks.add(0, row * 1_024);
		const { count, hours, blocks: numbers, bits } = blocks.columns();
		t.same([count, hours.length, numbers.length, bits.length], [rows, 12 * rows, 12 * rows, 136 * rows]);
	}
});

t.test("bit 63 of a row of sessions is the sign of its number", async (t) => {
	const { bits } = blocksOf(KINDS["sessions"]!, [{ hour: 0, member: 63 }]);
	t.equal(int8(readElements(bits)[0]!), -(2n ** 63n));
});

t.test("a row of users is written as varbit: its length in bits, and bit n from the left", async (t) => {
	const pairs = [0, 9, 1_023].map((member) => ({ hour: 0, member }));
	const { bits } = blocksOf(KINDS["users"]!, pairs);
	t.equal(bits.length, 4 + 132);
	const bytes = Buffer.from(bits);
	t.equal(bytes.readInt32BE(0), 132, "the length of the element");
	t.equal(bytes.readInt32BE(4), 1_024, "the length in bits");
	t.same(
		[...bytes.subarray(8).entries()].filter(([, byte]) => byte !== 0),
		[
			[0, 0x80],
			[1, 0x40],
			[127, 0x01],
		],
	);
});
