/** Members that were stored one by one, before 0006 and 0007, are the same as blocks. */
import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import type pg from "pg";
import t, { type Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { UserNumbers } from "../../engine/sink/user-numbers.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { sessionColumns, storeSessions, storeUsers, userColumns } from "../support/candidates.ts";
import { createDatabase } from "../support/database.ts";

const SESSION_BLOCKS = "0006_session_blocks.sql";
const USER_BLOCKS = "0007_user_blocks.sql";

/** A database as it was before this migration; `migrateOn` brings it to today's. */
async function before(t: Test, migration: string) {
	const { settings, client } = await createDatabase(t);
	const folder = join(t.testdir(), "before");
	await cp(join(packageRoot(), "schema", "migrations"), folder, {
		recursive: true,
		filter: (path) => !path.endsWith(".sql") || basename(path) < migration,
	});
	await migrate(settings, { folder });
	const migrateOn = async () => {
		const { applied } = await migrate(settings);
		t.equal(applied[0], migration, "what was missing is applied");
	};
	return { client, migrateOn };
}

t.test("sessions stored one by one become blocks when the schema moves on", async (t) => {
	const { client, migrateOn } = await before(t, SESSION_BLOCKS);
	await client.query(`
		INSERT INTO hourly_sessions (hour, session_id)
		SELECT to_timestamp(h * 3600), s FROM unnest('{1,2}'::int[]) AS h, unnest('{0,63,64,9007199254740991}'::bigint[]) AS s`);
	await migrateOn();
	const blocks = [
		sessionColumns(
			[1, 2].flatMap((hour) => [0, 63, 64, Number.MAX_SAFE_INTEGER].map((id) => ({ hour, id }))),
		),
	];
	t.same(await storeSessions(client, blocks), new Map(), "all of them are known");
	const { rows } = await client.query(
		"SELECT count(*)::int AS n, sum(added)::int AS added FROM hourly_sessions",
	);
	t.same(rows, [{ n: 6, added: 8 }]);
});

const HOURS = [-14, -1, 0, 23, 24, ...Array.from({ length: 30 }, (_, i) => 485_000 + 2 * i)];
const USERS = [
	...Array.from({ length: 3_000 }, (_, i) => `user_${i}`),
	...["", "a", "B", "Ä", "größer", "🎲", "\uffee", "x".repeat(256)],
];

/** Everybody in the first of the hours, fewer and fewer in the later ones, and one alone in the last. */
const PAIRS = HOURS.flatMap((hour, i) => {
	const isLast = i === HOURS.length - 1;
	return USERS.filter((_, user) => (isLast ? user === 0 : (user * 37 + i) % (i + 1) === 0)).map((id) => ({
		hour,
		id,
	}));
});

/** Pairs as 0006 has them, and the totals of their hours. */
async function storeOneByOne(client: pg.Client): Promise<void> {
	await client.query(
		`INSERT INTO hourly_users (hour, user_id)
		SELECT to_timestamp(hour * 3600::bigint), id FROM unnest($1::int[], $2::text[]) AS p (hour, id)`,
		[PAIRS.map(({ hour }) => hour), PAIRS.map(({ id }) => id)],
	);
	await client.query(`
		INSERT INTO hourly_totals (hour, revenue, ticket_count, events, active_users)
		SELECT hour, count(*) / 3.0, count(*), count(*), count(*) FROM hourly_users GROUP BY hour`);
}

/** All that is public of users, a line for each row. */
async function publicLines(client: pg.Client): Promise<string[]> {
	const { rows } = await client.query<{ line: string }>(`
		SELECT line FROM (
			SELECT 'hour ' || to_jsonb(h)::text AS line FROM hourly_business_metrics AS h
			UNION ALL SELECT 'rolling ' || to_jsonb(r)::text FROM rolling_24h_metrics AS r
			UNION ALL SELECT 'day ' || to_jsonb(d)::text FROM daily_event_summary AS d
			UNION ALL SELECT 'user ' || to_jsonb(u)::text FROM hourly_active_users AS u
		) AS lines ORDER BY line COLLATE "C"`);
	return rows.map(({ line }) => line);
}

t.test("users stored one by one become blocks when the schema moves on", async (t) => {
	const { client, migrateOn } = await before(t, USER_BLOCKS);
	await storeOneByOne(client);
	const linesBefore = await publicLines(client);
	t.ok(linesBefore.length > PAIRS.length, `${linesBefore.length} rows of the views`);
	await migrateOn();
	const linesAfter = await publicLines(client);
	t.same(differences(linesBefore, linesAfter), [], "no row of a view is another");
	t.equal(linesAfter.length, linesBefore.length);

	await t.test("a row for each block of an hour, which adds up to the totals", async (t) => {
		const { rows } = await client.query(`
			SELECT count(*)::int AS rows, sum(added)::int AS added, sum(bit_count(bits))::int AS bits,
				count(DISTINCT block)::int AS blocks, (SELECT sum(active_users)::int FROM hourly_totals) AS total,
				count(*) FILTER (WHERE added <> bit_count(bits) OR added = 0)::int AS wrong
			FROM hourly_users`);
		const pairs = PAIRS.length;
		t.match(rows, [{ added: pairs, bits: pairs, total: pairs, blocks: 3, wrong: 0 }]);
		t.ok(rows[0].rows < 3 * HOURS.length, `${rows[0].rows} rows for ${pairs} pairs`);
		const { rows: numbers } = await client.query(
			"SELECT count(*)::int AS users, min(number)::int AS first, max(number)::int AS last, count(DISTINCT number)::int AS n FROM user_numbers",
		);
		const users = USERS.length;
		t.same(numbers, [{ users, first: 0, last: users - 1, n: users }]);
	});

	await t.test("everybody is known, and nobody counts again", async (t) => {
		t.same(await storeUsers(client, new UserNumbers(), [userColumns(PAIRS)]), new Map());
		t.same(await publicLines(client), linesAfter);
	});

	await t.test("a new user gets a number that nobody has, in a block that nobody has", async (t) => {
		const hour = HOURS[0]!;
		const more = ["nobody yet", "nor he", "user_1"].map((id) => ({ hour, id }));
		t.same(await storeUsers(client, new UserNumbers(), [userColumns(more)]), new Map([[hour, 2]]));
		const { rows } = await client.query(
			`SELECT (SELECT max(number) >> 10 FROM user_numbers WHERE user_id = ANY ($1))::int AS last_block,
				(SELECT min(number) >> 10 FROM user_numbers WHERE user_id <> ALL ($1))::int AS first_new_block,
				(SELECT count(*) - count(DISTINCT number) FROM user_numbers)::int AS given_twice`,
			[USERS],
		);
		t.match(rows, [{ last_block: Math.floor((USERS.length - 1) / 1_024), given_twice: 0 }]);
		t.ok(rows[0].first_new_block > rows[0].last_block, `${rows[0].first_new_block}`);
		const { rows: users } = await client.query(
			`SELECT count(*)::int AS users, count(DISTINCT user_id)::int AS distinct, bool_or(user_id = 'nor he') AS new
			FROM hourly_active_users WHERE hour = to_timestamp($1::float8 * 3600)`,
			[hour],
		);
		t.same(users, [{ users: USERS.length + 2, distinct: USERS.length + 2, new: true }]);
	});
});

t.test("a database without users moves on, and its first user has the first number", async (t) => {
	const { client, migrateOn } = await before(t, USER_BLOCKS);
	await migrateOn();
	await storeUsers(client, new UserNumbers(), [userColumns([{ hour: 485_000, id: "a" }])]);
	t.same((await client.query("SELECT user_id, number::int FROM user_numbers")).rows, [
		{ user_id: "a", number: 0 },
	]);
});

/** The first lines that only one of them has. */
function differences(one: readonly string[], other: readonly string[]): string[] {
	const not = (lines: readonly string[], of: readonly string[]) => {
		const known = new Set(of);
		return lines.filter((line) => !known.has(line));
	};
	return [...not(one, other), ...not(other, one)].slice(0, 10);
}
