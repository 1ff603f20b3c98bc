/** Who is new in which hour, on the real server: the statements of step 7d. */
import pg from "pg";
import t from "tap";
import { insertSessions, insertUsers } from "../../engine/sink/insert-members.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { sessionColumns, userColumns } from "../support/candidates.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { waitUntil } from "../support/wait-until.ts";

const HOUR = 485_000;

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
	t.same(await insertSessions(client, sessionsAt(1, 2, 63, 64, 2)), new Map([[HOUR, 4]]));
	t.same(await insertSessions(client, sessionsAt(1, 64)), new Map(), "nothing is new");
	t.same(await insertSessions(client, sessionsAt(0, 1, 62, 63, 65)), new Map([[HOUR, 3]]));
	const other = [
		sessionColumns([
			{ hour: -14, id: Number.MAX_SAFE_INTEGER },
			{ hour: HOUR, id: 66 },
		]),
	];
	t.same(
		await insertSessions(client, other),
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
	const twice = [...usersAt("b", "a"), ...usersAt("a", "ä")];
	t.same(await insertUsers(client, twice), new Map([[HOUR, 3]]));
	t.same(await insertUsers(client, [...usersAt("a", "c")]), new Map([[HOUR, 1]]));
	t.same(await insertUsers(client, []), new Map());
});

t.test("of two engines that write the same row, each counts what it adds", async (t) => {
	const database = await migrated(t);
	const [one, two] = [database.client, await another(t, database)];
	await one.query("BEGIN");
	t.same(await insertSessions(one, sessionsAt(1, 2)), new Map([[HOUR, 2]]));
	const waiting = insertSessions(two, sessionsAt(2, 3));
	await waitUntil(() => isWaiting(database.client, two));
	await one.query("COMMIT");
	t.same(await waiting, new Map([[HOUR, 1]]), "as of the row that the other has just written");
});

t.test("rows are taken in one order: two engines that share some never meet in a circle", async (t) => {
	const database = await migrated(t);
	const [one, two] = [database.client, await another(t, database)];
	for (const [first, both] of [
		[
			() => insertSessions(one, sessionsAt(1)),
			(client: pg.Client) => insertSessions(client, sessionsAt(999, 1)),
		],
		[() => insertUsers(one, usersAt("a")), (client: pg.Client) => insertUsers(client, usersAt("b", "a"))],
	] as const) {
		await one.query("BEGIN");
		await first();
		// In the order given, it would hold the second row now and wait for the first.
		const waiting = both(two);
		await waitUntil(() => isWaiting(database.client, two));
		await both(one);
		await one.query("COMMIT");
		t.same(await waiting, new Map(), "the other was first with all of it");
	}
});

t.test("sessions stored one by one become blocks when the schema moves on", async (t) => {
	const { settings, client } = await createDatabase(t);
	await migrate(settings);
	await client.query(`
		DROP TABLE hourly_sessions;
		CREATE TABLE hourly_sessions (hour timestamptz NOT NULL, session_id bigint NOT NULL, PRIMARY KEY (hour, session_id));
		INSERT INTO hourly_sessions
			SELECT to_timestamp(h * 3600), s FROM unnest('{1,2}'::int[]) AS h, unnest('{0,63,64,9007199254740991}'::bigint[]) AS s;
		DELETE FROM schema_migrations WHERE name >= '0006'`);
	await migrate(settings);
	const blocks = [
		sessionColumns(
			[1, 2].flatMap((hour) => [0, 63, 64, Number.MAX_SAFE_INTEGER].map((id) => ({ hour, id }))),
		),
	];
	t.same(await insertSessions(client, blocks), new Map(), "all of them are known");
	const { rows } = await client.query(
		"SELECT count(*)::int AS n, sum(added)::int AS added FROM hourly_sessions",
	);
	t.same(rows, [{ n: 6, added: 8 }]);
});

async function isWaiting(client: pg.Client, other: pg.Client): Promise<boolean> {
	const { processID } = other as unknown as { processID: number };
	const { rows } = await client.query("SELECT FROM pg_locks WHERE pid = $1 AND NOT granted", [processID]);
	return rows.length > 0;
}
