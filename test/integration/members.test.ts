/** Who is new in which hour, on the real server: the statements of step 7d. */
import pg from "pg";
import t from "tap";
import type { NewMembers } from "../../engine/sink/insert-members.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { UserNumbers } from "../../engine/sink/user-numbers.ts";
import { sessionColumns, storeSessions, storeUsers, userColumns } from "../support/candidates.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { waitUntil } from "../support/wait-until.ts";

const HOUR = 485_000;

type Insert = (client: pg.Client) => Promise<NewMembers>;

async function migrated(t: Parameters<typeof createDatabase>[0]): Promise<TestDatabase> {
	const database = await createDatabase(t);
	await migrate(database.settings);
	return database;
}

/** A second engine's connection. */
async function another(
	t: Parameters<typeof createDatabase>[0],
	{ settings }: TestDatabase,
): Promise<pg.Client> {
	const client = new pg.Client({ ...settings });
	await client.connect();
	t.teardown(() => client.end());
	return client;
}

const sessionsAt = (...ids: number[]) => [sessionColumns(ids.map((id) => ({ hour: HOUR, id })))];
const usersAt = (...ids: string[]) => [userColumns(ids.map((id) => ({ hour: HOUR, id })))];

t.test("a session counts once, whatever else is in its row", async (t) => {
	const { client } = await migrated(t);
	t.same(await storeSessions(client, sessionsAt(1, 2, 63, 64, 2)), new Map([[HOUR, 4]]));
	t.same(await storeSessions(client, sessionsAt(1, 64)), new Map(), "nothing is new");
	t.same(await storeSessions(client, sessionsAt(0, 1, 62, 63, 65)), new Map([[HOUR, 3]]));
	const other = [
		sessionColumns([
			{ hour: -14, id: Number.MAX_SAFE_INTEGER },
			{ hour: HOUR, id: 66 },
		]),
	];
	t.same(
		await storeSessions(client, other),
		new Map([
			[-14, 1],
			[HOUR, 1],
		]),
	);
	const { rows } = await client.query(
		"SELECT block::float8 AS block, bit_count(bits::bit(64))::int AS sessions FROM hourly_sessions ORDER BY hour, block",
	);
	t.same(rows, [
		{ block: 2 ** 47 - 1, sessions: 1 },
		{ block: 0, sessions: 5 },
		{ block: 1, sessions: 3 },
	]);
});

t.test("a user counts once, sent twice in a set and again in the next", async (t) => {
	const { client } = await migrated(t);
	const numbers = new UserNumbers();
	const twice = [...usersAt("b", "a"), ...usersAt("a", "ä")];
	t.same(await storeUsers(client, numbers, twice), new Map([[HOUR, 3]]));
	numbers.keep();
	t.same(await storeUsers(client, numbers, usersAt("a", "c")), new Map([[HOUR, 1]]));
	numbers.keep();
	t.same(await storeUsers(client, numbers, []), new Map());
	const later = [
		userColumns([
			{ hour: -14, id: "c" },
			{ hour: HOUR + 1, id: "ä" },
			{ hour: HOUR, id: "ä" },
			{ hour: -14, id: "b" },
		]),
	];
	t.same(
		await storeUsers(client, numbers, later),
		new Map([
			[-14, 2],
			[HOUR + 1, 1],
		]),
	);
	const { rows } = await client.query(
		`SELECT (extract(epoch FROM hour) / 3600)::int AS hour, string_agg(user_id, ' ' ORDER BY user_id COLLATE "C") AS users
		FROM hourly_active_users GROUP BY 1 ORDER BY 1`,
	);
	t.same(rows, [
		{ hour: -14, users: "b c" },
		{ hour: HOUR, users: "a b c ä" },
		{ hour: HOUR + 1, users: "ä" },
	]);
});

t.test("a row says how many users its last change has added", async (t) => {
	const { client } = await migrated(t);
	const numbers = new UserNumbers();
	const row = async () => {
		const { rows } = await client.query(
			"SELECT added, bit_count(bits)::int AS users, xmin::text AS change FROM hourly_users",
		);
		return rows[0];
	};
	await storeUsers(client, numbers, usersAt("a", "b", "c"));
	t.match(await row(), { added: 3, users: 3 });
	numbers.keep();
	await storeUsers(client, numbers, usersAt("d", "a"));
	const before = await row();
	t.match(before, { added: 1, users: 4 });
	numbers.keep();
	await storeUsers(client, numbers, usersAt("a", "d"));
	t.same(await row(), before, "and one that adds nothing is no change");
});

t.test("of two engines that write the same row, each counts what it adds", async (t) => {
	const database = await migrated(t);
	const [one, two] = [database.client, await another(t, database)];
	await one.query("BEGIN");
	t.same(await storeSessions(one, sessionsAt(1, 2)), new Map([[HOUR, 2]]));
	const waiting = storeSessions(two, sessionsAt(2, 3));
	await waitUntil(() => isWaiting(database.client, two));
	await one.query("COMMIT");
	t.same(await waiting, new Map([[HOUR, 1]]), "as of the row that the other has just written");
});

t.test("of two engines that meet the same known users, each counts whom it adds", async (t) => {
	const database = await migrated(t);
	const [one, two] = [database.client, await another(t, database)];
	await numbered(one, ["a", 0], ["b", 1], ["c", 2]);
	await one.query("BEGIN");
	t.same(await storeUsers(one, new UserNumbers(), usersAt("a", "b")), new Map([[HOUR, 2]]));
	const waiting = storeUsers(two, new UserNumbers(), usersAt("b", "c"));
	await waitUntil(() => isWaiting(database.client, two));
	await one.query("COMMIT");
	t.same(await waiting, new Map([[HOUR, 1]]), "as of the row that the other has just written");
});

/** An engine whose last users were not all new. */
function expectingKnown(): UserNumbers {
	const numbers = new UserNumbers();
	numbers.expectNew = false;
	return numbers;
}

/** The first row that both write, and a set that has another one in front of it. */
const SHARED_ROWS: Readonly<
	Record<string, readonly [first: (client: pg.Client) => Promise<unknown>, both: Insert]>
> = {
	"rows of sessions": [
		(client) => storeSessions(client, sessionsAt(1)),
		(client) => storeSessions(client, sessionsAt(999, 1)),
	],
	"numbers of new users": [
		(client) => storeUsers(client, new UserNumbers(), usersAt("a")),
		(client) => storeUsers(client, new UserNumbers(), usersAt("b", "a")),
	],
	"numbers of new users, when known ones are expected": [
		(client) => storeUsers(client, new UserNumbers(), usersAt("a")),
		(client) => storeUsers(client, expectingKnown(), usersAt("b", "a")),
	],
	"rows of known users": [
		(client) => storeUsers(client, new UserNumbers(), usersAt("in block 0")),
		(client) => storeUsers(client, new UserNumbers(), usersAt("in block 1", "in block 0")),
	],
};

for (const [what, [first, both]] of Object.entries(SHARED_ROWS)) {
	t.test(`${what} are taken in one order: two engines that share some never meet in a circle`, async (t) => {
		const database = await migrated(t);
		const [one, two] = [database.client, await another(t, database)];
		await numbered(one, ["in block 0", 7], ["in block 1", 1_024]);
		await one.query("BEGIN");
		await first(one);
		// In the order given, it would hold the second row now and wait for the first.
		await two.query("BEGIN");
		const waiting = both(two);
		await waitUntil(() => isWaiting(database.client, two));
		await both(one);
		await one.query("COMMIT");
		t.same(await waiting, new Map(), "the other was first with all of it");
		await two.query("COMMIT");
	});
}

/** Gives these users these numbers, and engines the blocks after the first two. */
async function numbered(client: pg.Client, ...users: readonly (readonly [id: string, number: number])[]) {
	for (const user of users) await client.query("INSERT INTO user_numbers VALUES ($1, $2)", [...user]);
	await client.query("SELECT setval('user_number_blocks', 1)");
}

async function isWaiting(client: pg.Client, other: pg.Client): Promise<boolean> {
	const { processID } = other as unknown as { processID: number };
	const { rows } = await client.query("SELECT FROM pg_locks WHERE pid = $1 AND NOT granted", [processID]);
	return rows.length > 0;
}
