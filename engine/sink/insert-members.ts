/** Step 7d: who is new in which hour. Postgres decides, by what it really inserts. */
import type pg from "pg";
import type { CandidateColumns } from "../../workers/part.ts";
import { binaryArray, OID } from "./binary-array.ts";
import { sessionBlocks } from "./session-blocks.ts";

/** How many are new, by hour (whole hours since 1970). */
export type NewMembers = ReadonlyMap<number, number>;

interface CountRow {
	readonly hour: number;
	readonly count: number;
}

/** Grouped by the column and converted afterwards: `extract` for every row would cost half a microsecond each. */
const HOUR = "(extract(epoch FROM hour) / 3600)::int AS hour";

/**
 * The whole set in one order, the one in which every engine inserts (sorted per partition only, two engines met in 53
 * deadlocks within 4 s). A pair that comes twice is inserted once and counted once: the second meets the first.
 * The arrays are unnested side by side in the select list: as a function in FROM they would be stored once more.
 */
export async function insertUsers(
	client: pg.Client,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	const count = candidates.reduce((sum, columns) => sum + columns.count, 0);
	if (count === 0) return new Map();
	const hours = candidates.map((columns) => columns.hours);
	const ids = candidates.map((columns) => columns.ids);
	const { rows } = await client.query<CountRow>({
		name: "insert_hourly_users",
		text: `WITH added AS (
				INSERT INTO hourly_users (hour, user_id)
				SELECT c.hour, c.id COLLATE "C"
				FROM (SELECT unnest($1::timestamptz[]) AS hour, unnest($2::text[]) AS id) AS c
				ORDER BY 1, 2
				ON CONFLICT DO NOTHING
				RETURNING hour
			)
			SELECT ${HOUR}, count FROM (SELECT hour, count(*)::int AS count FROM added GROUP BY hour) AS a`,
		values: [binaryArray(OID.timestamptz, count, hours), binaryArray(OID.text, count, ids)],
	});
	return byHour(rows);
}

/**
 * Sessions are bits (session-blocks.ts). A row that is there is locked and gets the bits it does not have; `added` says
 * how many those were, as of the newest version of the row, whoever wrote it.
 */
export async function insertSessions(
	client: pg.Client,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	const { count, hours, blocks, bits } = sessionBlocks(candidates);
	if (count === 0) return new Map();
	const { rows } = await client.query<CountRow>({
		name: "insert_hourly_sessions",
		text: `WITH added AS (
				INSERT INTO hourly_sessions AS t (hour, block, bits, added)
				SELECT c.hour, c.block, c.bits, bit_count(c.bits::bit(64))
				FROM (SELECT unnest($1::timestamptz[]) AS hour, unnest($2::bigint[]) AS block, unnest($3::bigint[]) AS bits) AS c
				ORDER BY 1, 2
				ON CONFLICT (hour, block) DO UPDATE SET
					bits = t.bits | excluded.bits,
					added = bit_count((excluded.bits & ~t.bits)::bit(64))
				WHERE excluded.bits & ~t.bits <> 0
				RETURNING hour, added
			)
			SELECT ${HOUR}, count FROM (SELECT hour, sum(added)::int AS count FROM added GROUP BY hour) AS a`,
		values: [
			binaryArray(OID.timestamptz, count, [hours]),
			binaryArray(OID.int8, count, [blocks]),
			binaryArray(OID.int8, count, [bits]),
		],
	});
	return byHour(rows);
}

function byHour(rows: readonly CountRow[]): NewMembers {
	return new Map(rows.map((row) => [row.hour, row.count]));
}
