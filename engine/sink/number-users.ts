import type pg from "pg";
import { InvariantError } from "../core-errors.ts";
import { binaryArray, OID } from "./binary-array.ts";
import type { UserNumbers } from "./user-numbers.ts";

const INT8_BYTES = 8;

/**
 * Gives every user of the set a number, as of this transaction: those who are not known here are taken for new and
 * inserted, which costs nothing more when they are (asking first would be another microsecond for each); when some were
 * there, all are asked for, and the next are inserted with more care.
 *
 * New users go in by byte order, as every engine does it: where two engines meet the same new user, the second waits for
 * the first, and then sees his number.
 */
export async function numberUsers(client: pg.Client, users: UserNumbers): Promise<void> {
	const { count, elements } = users.asked;
	if (count === 0) return;
	users.assign(await reserveBlocks(client, users.blocksWanted));
	const ids = binaryArray(OID.text, count, [elements]);
	const { rows: added } = await client.query<{ count: number }>({
		name: "add_user_numbers",
		text: "SELECT add_user_numbers($1, $2, $3) AS count",
		values: [ids, binaryArray(OID.int8, count, [users.assigned]), users.expectNew],
	});
	users.expectNew = added[0]?.count === count;
	if (users.expectNew) return;
	// A statement of its own: it sees what others committed while the one above waited. One value: rows would be objects.
	const { rows } = await client.query<{ numbers: Buffer | null }>({
		name: "user_numbers",
		text: `SELECT string_agg(int8send(n.number), '' ORDER BY a.place) AS numbers
			FROM unnest($1::text[]) WITH ORDINALITY AS a(user_id, place)
			JOIN user_numbers AS n ON n.user_id = a.user_id COLLATE "C"`,
		values: [ids],
	});
	const numbers = rows[0]?.numbers ?? Buffer.alloc(0);
	if (numbers.length !== count * INT8_BYTES) {
		throw new InvariantError(
			`${count} users were numbered, and ${numbers.length / INT8_BYTES} numbers are there`,
		);
	}
	users.answer(numbers);
}

/** A sequence is not rolled back: what it gave is ours, whatever becomes of the transaction. */
async function reserveBlocks(client: pg.Client, count: number): Promise<number[]> {
	if (count === 0) return [];
	const { rows } = await client.query<{ block: string }>({
		name: "reserve_user_blocks",
		text: "SELECT nextval('user_number_blocks') AS block FROM generate_series(1, $1)",
		values: [count],
	});
	return rows.map(({ block }) => Number(block));
}
