/** Step 7d: who is new in which hour. Postgres decides, by the bits that a row did not have. */
import type pg from "pg";
import type { CandidateColumns } from "../../workers/part.ts";
import { binaryArray, OID } from "./binary-array.ts";
import { int8At } from "./int8-elements.ts";
import {
	type BlockColumns,
	type BlockLayout,
	MemberBlocks,
	SESSION_BLOCKS,
	USER_BLOCKS,
} from "./member-blocks.ts";
import { numberUsers } from "./number-users.ts";
import type { UserNumbers } from "./user-numbers.ts";

/** How many are new, by hour (whole hours since 1970). */
export type NewMembers = ReadonlyMap<number, number>;

interface CountRow {
	readonly hour: number;
	readonly count: number;
}

/** Grouped by the column and converted afterwards: `extract` for every row would cost half a microsecond each. */
const COUNTS = `SELECT (extract(epoch FROM hour) / 3600)::int AS hour, count
	FROM (SELECT hour, sum(added)::int AS count FROM added GROUP BY hour) AS a`;

/*
 * A row that is there is locked and gets the bits it does not have; `added` says how many those were, as of the newest
 * version of the row, whoever wrote it. The whole set goes in one order, the one in which every engine inserts (sorted
 * per partition only, two engines met in 53 deadlocks within 4 s). The arrays are unnested side by side in the select
 * list: as a function in FROM they would be stored once more.
 */

const INSERT_USERS = `WITH added AS (
		INSERT INTO hourly_users AS t (hour, block, bits, added)
		SELECT c.hour, c.block, c.bits, bit_count(c.bits)
		FROM (SELECT unnest($1::timestamptz[]) AS hour, unnest($2::bigint[]) AS block, unnest($3::varbit[])::bit(1024) AS bits) AS c
		ORDER BY 1, 2
		ON CONFLICT (hour, block) DO UPDATE SET
			bits = t.bits | excluded.bits,
			added = bit_count(excluded.bits & ~t.bits)
		WHERE bit_count(excluded.bits & ~t.bits) <> 0
		RETURNING hour, added
	) ${COUNTS}`;

const INSERT_SESSIONS = `WITH added AS (
		INSERT INTO hourly_sessions AS t (hour, block, bits, added)
		SELECT c.hour, c.block, c.bits, bit_count(c.bits::bit(64))
		FROM (SELECT unnest($1::timestamptz[]) AS hour, unnest($2::bigint[]) AS block, unnest($3::bigint[]) AS bits) AS c
		ORDER BY 1, 2
		ON CONFLICT (hour, block) DO UPDATE SET
			bits = t.bits | excluded.bits,
			added = bit_count((excluded.bits & ~t.bits)::bit(64))
		WHERE excluded.bits & ~t.bits <> 0
		RETURNING hour, added
	) ${COUNTS}`;

/** `numbers`: what this engine knows of its users; `keep` it when the transaction is committed. */
export async function insertUsers(
	client: pg.Client,
	numbers: UserNumbers,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	numbers.begin();
	const places = candidates.map((columns) => placesOf(columns, numbers));
	await numberUsers(client, numbers);
	const rows = blocksOf(USER_BLOCKS, candidates, (column) => {
		const of = places[column]!;
		return (index) => numbers.numberAt(of[index]!);
	});
	return insertBlocks(client, "insert_hourly_users", INSERT_USERS, OID.varbit, rows);
}

export async function insertSessions(
	client: pg.Client,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	const rows = blocksOf(SESSION_BLOCKS, candidates, (column) => {
		const ids = viewOf(candidates[column]!.ids);
		return (index) => int8At(ids, index);
	});
	return insertBlocks(client, "insert_hourly_sessions", INSERT_SESSIONS, OID.int8, rows);
}

/** Where each user of a column stands in `numbers`. */
function placesOf({ count, ids }: CandidateColumns, numbers: UserNumbers): Int32Array {
	const places = new Int32Array(count);
	const lengths = viewOf(ids);
	for (let i = 0, start = 4; i < count; i++) {
		const end = start + lengths.getInt32(start - 4);
		places[i] = numbers.placeOf(ids, start, end);
		start = end + 4;
	}
	return places;
}

/** `memberOf`: gives for a column what gives the number of its pair at an index. */
function blocksOf(
	layout: BlockLayout,
	candidates: readonly CandidateColumns[],
	memberOf: (column: number) => (index: number) => number,
): BlockColumns {
	const blocks = new MemberBlocks(layout);
	for (const [column, { count, hours }] of candidates.entries()) {
		const hourOf = viewOf(hours);
		const member = memberOf(column);
		for (let i = 0; i < count; i++) blocks.add(int8At(hourOf, i), member(i));
	}
	return blocks.columns();
}

async function insertBlocks(
	client: pg.Client,
	name: string,
	text: string,
	bitsOid: number,
	{ count, hours, blocks, bits }: BlockColumns,
): Promise<NewMembers> {
	if (count === 0) return new Map();
	const { rows } = await client.query<CountRow>({
		name,
		text,
		values: [
			binaryArray(OID.timestamptz, count, [hours]),
			binaryArray(OID.int8, count, [blocks]),
			binaryArray(bitsOid, count, [bits]),
		],
	});
	return new Map(rows.map((row) => [row.hour, row.count]));
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
