/** Step 7d: who is new in which hour. Postgres decides, by the bits that a row did not have. */
import type pg from "pg";
import type { CandidateColumns } from "../../workers/part.ts";
import { binaryArray, ELEMENT_LENGTH_BYTES, OID } from "./binary-array.ts";
import { int8At } from "./int8-elements.ts";
import { type BlockColumns, MemberBlocks, SESSION_BLOCKS, USER_BLOCKS } from "./member-blocks.ts";
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

/** Users of a set on their way to rows. */
export interface UserRows {
	readonly blocks: MemberBlocks;
	/** Pairs whose user has no number yet: hour (µs since 2000) and the user's place in `numbers`, in turns. */
	readonly unnumbered: readonly number[];
}

/**
 * Needs no Postgres, and takes a tenth of a microsecond for each pair: it is done while Postgres still has rows to take.
 *
 * @param numbers what this engine knows of its users; `keep` it when the transaction is committed
 */
export function userRows(numbers: UserNumbers, candidates: readonly CandidateColumns[]): UserRows {
	numbers.begin();
	const blocks = new MemberBlocks(USER_BLOCKS);
	const unnumbered: number[] = [];
	for (const { count, hours, ids } of candidates) {
		const hourOf = viewOf(hours);
		const lengths = viewOf(ids);
		for (let i = 0, start = ELEMENT_LENGTH_BYTES; i < count; i++) {
			const end = start + lengths.getInt32(start - ELEMENT_LENGTH_BYTES);
			const place = numbers.placeOf(ids, start, end);
			const hour = int8At(hourOf, i);
			if (numbers.isKept(place)) blocks.add(hour, numbers.numberAt(place));
			else unnumbered.push(hour, place);
			start = end + ELEMENT_LENGTH_BYTES;
		}
	}
	return { blocks, unnumbered };
}

export async function insertUsers(
	client: pg.Client,
	numbers: UserNumbers,
	{ blocks, unnumbered }: UserRows,
): Promise<NewMembers> {
	await numberUsers(client, numbers);
	for (let i = 0; i < unnumbered.length; i += 2) {
		blocks.add(unnumbered[i]!, numbers.numberAt(unnumbered[i + 1]!));
	}
	return insertBlocks(client, "insert_hourly_users", INSERT_USERS, OID.varbit, blocks.columns());
}

/** Needs no Postgres either. */
export function sessionRows(candidates: readonly CandidateColumns[]): BlockColumns {
	const blocks = new MemberBlocks(SESSION_BLOCKS);
	for (const { count, hours, ids } of candidates) {
		const hourOf = viewOf(hours);
		const sessions = viewOf(ids);
		for (let i = 0; i < count; i++) blocks.add(int8At(hourOf, i), int8At(sessions, i));
	}
	return blocks.columns();
}

export function insertSessions(client: pg.Client, rows: BlockColumns): Promise<NewMembers> {
	return insertBlocks(client, "insert_hourly_sessions", INSERT_SESSIONS, OID.int8, rows);
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
