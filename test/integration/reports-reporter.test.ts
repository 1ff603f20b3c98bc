/** The role `reporter`: what it reads, what it does not, and how it comes to be on a server of many databases. */
import pg from "pg";
import t, { type Test } from "tap";
import { ensureDays } from "../../engine/sink/days.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { readReport, reportNames } from "../../engine/sink/report.ts";
import { storeBusiness } from "../support/business.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { ownPostgres } from "../support/own-parts.ts";
import { waitUntil } from "../support/wait-until.ts";

type Settings = TestDatabase["settings"];

/** What the engine keeps for itself. */
const INTERNAL = [
	"hourly_totals",
	"hourly_users",
	"user_numbers",
	"hourly_sessions",
	"ledger",
	"engine_members",
	"schema_migrations",
];

/** What people and dashboards may read: the contract. */
const PUBLIC = [
	"daily_event_summary",
	"dead_letters",
	"events",
	"hourly_active_users",
	"hourly_business_metrics",
	"hourly_user_blocks",
	"rolling_24h_metrics",
	"source_offsets",
];

const MAY_NOT = { code: "42501" };

async function clientOf(test: Test, settings: Settings): Promise<pg.Client> {
	const client = new pg.Client(settings);
	await client.connect();
	test.teardown(() => client.end());
	return client;
}

/** A person who was granted the role, on a database with some data. */
async function withReader(test: Test) {
	const { settings, client } = await createDatabase(test);
	await migrate(settings);
	const hour = Date.UTC(2025, 5, 1, 22) / 3_600_000;
	await storeBusiness(client, [
		{ hour, type: "ticket_purchased", user: "a", session: 1, cents: 1_000n },
		{ hour: hour + 1, type: "claim_reward", user: "b", session: 2, cents: 5_000n },
	]);
	await client.query(`
		INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset, stored_count)
		VALUES ('user_events', 0, 0, 2, 2);
		INSERT INTO dead_letters (topic, kafka_partition, kafka_offset, stage, reason)
		VALUES ('user_events', 0, 2, 'decode', 'json')`);
	const user = `reader_${settings.database}`;
	await client.query(`CREATE ROLE ${user} LOGIN PASSWORD 'x' IN ROLE reporter`);
	test.teardown(() => client.query(`DROP ROLE ${user}`));
	const reader = { ...settings, user, password: "x" };
	return { settings: reader, owner: client, client: await clientOf(test, reader) };
}

/** Every table and view of the schema but the partitions of `events`, with what `role` may do to it. */
async function privileges(client: pg.Client, role: string): Promise<Record<string, string>> {
	const { rows } = await client.query<{ relation: string; kinds: string }>(
		`SELECT c.relname AS relation, string_agg(kind, ' ' ORDER BY kind)
			FILTER (WHERE has_table_privilege($1, c.oid, kind)) AS kinds
		FROM pg_class AS c
		CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS kind
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		GROUP BY 1 ORDER BY 1`,
		[role],
	);
	return Object.fromEntries(rows.map(({ relation, kinds }) => [relation, kinds ?? ""]));
}

t.test("a reader with the role runs every report, in any zone", async (t) => {
	const { settings } = await withReader(t);
	for (const name of await reportNames()) {
		t.ok((await readReport(settings, name)).rows.length > 0, name);
		t.ok((await readReport(settings, name, { zone: "Asia/Kolkata" })).rows.length > 0, `${name} in a zone`);
	}
});

t.test("the role may select from the public relations, and may nothing else to anything", async (t) => {
	const { owner } = await withReader(t);
	const all = await privileges(owner, "reporter");
	t.same(
		Object.entries(all).filter(([, kinds]) => kinds !== ""),
		PUBLIC.map((relation) => [relation, "SELECT"]),
	);
	for (const internal of INTERNAL) {
		t.equal(all[internal], "", `${internal} is there, and is not for reading`);
	}
});

t.test("what the catalogue says of the role is what happens", async (t) => {
	const { client } = await withReader(t);
	for (const relation of PUBLIC) await client.query(`SELECT * FROM ${relation}`);
	for (const internal of INTERNAL) {
		await t.rejects(client.query(`SELECT FROM ${internal}`), MAY_NOT, internal);
	}
	for (const statement of [
		"DELETE FROM events",
		"UPDATE source_offsets SET epoch = 0",
		"TRUNCATE dead_letters",
		"INSERT INTO hourly_business_metrics (hour) VALUES (now())",
		"COPY events FROM STDIN",
		"CREATE TABLE mine ()",
		"DROP VIEW daily_event_summary",
	]) {
		await t.rejects(client.query(statement), MAY_NOT, statement);
	}
});

t.test("days that get their partition later are read through the parent, and only so", async (t) => {
	const { owner, client } = await withReader(t);
	const { created } = await ensureDays(owner, {
		days: ["2031-01-01"],
		partitionsMax: 10,
		statementTimeoutMs: 30_000,
	});
	t.same(created, ["2031-01-01"]);
	await owner.query(`INSERT INTO events (event_time, event_type, user_id, session_id, kafka_partition, kafka_offset)
		VALUES ('2031-01-01 12:00+00', 'login', 'u', 1, 0, 9)`);
	const { rows } = await client.query<{ home: string }>(
		"SELECT tableoid::regclass::text AS home FROM events WHERE event_time >= '2031-01-01'",
	);
	t.equal(rows.length, 1);
	t.not(rows[0]!.home, "events_default");
	await t.rejects(client.query(`SELECT FROM ${rows[0]!.home}`), MAY_NOT);
});

t.test(
	"distinct users of an hour are those of its events, each once, with a comment on each column",
	async (t) => {
		const { owner } = await withReader(t);
		const seen = Array.from({ length: 200 }, (_, i) => ({ hour: 485_000 + (i % 7), user: `u${i % 24}` }));
		await storeBusiness(
			owner,
			seen.map((pair) => ({ ...pair, type: "login", session: 1, cents: null })),
		);
		const { rows } = await owner.query(
			`WITH expected AS (SELECT DISTINCT date_trunc('hour', event_time, 'UTC') AS hour, user_id FROM events)
			SELECT
				(SELECT count(*)::int FROM expected) AS expected,
				(SELECT count(*)::int FROM (TABLE hourly_active_users EXCEPT ALL TABLE expected) AS d) AS more,
				(SELECT count(*)::int FROM (TABLE expected EXCEPT ALL TABLE hourly_active_users) AS d) AS less`,
		);
		t.same(rows, [{ expected: 7 * 24, more: 0, less: 0 }]);
		const { rows: columns } = await owner.query(
			`SELECT attname, col_description(attrelid, attnum) IS NOT NULL AS explained FROM pg_attribute
		WHERE attrelid = 'hourly_active_users'::regclass AND attnum > 0 ORDER BY attnum`,
		);
		t.same(columns, [
			{ attname: "hour", explained: true },
			{ attname: "user_id", explained: true },
		]);
	},
);

t.test("on a server without the role", async (t) => {
	// The role belongs to a server: one of our own, so that nobody else's tests have made it already.
	const { at } = await ownPostgres(t);
	const { host, port, user, password } = at;
	const administrator: Settings = { host, port, user, password, database: "postgres", ssl: false };
	const admin = await clientOf(t, administrator);
	const databaseOf = async (owner: Settings, database: string): Promise<Settings> => {
		await admin.query(`CREATE DATABASE ${database} OWNER ${owner.user}`);
		return { ...owner, database };
	};
	const roleExists = async () =>
		(await admin.query("SELECT to_regrole('reporter') IS NOT NULL AS exists")).rows[0].exists as boolean;
	const user_ = async (name: string, rights: string): Promise<Settings> => {
		await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'x' ${rights}`);
		return { ...administrator, user: name, password: "x" };
	};

	await t.test("who may not create roles migrates all the same, and is told what to run", async (t) => {
		const plain = await databaseOf(await user_("plain", ""), "a");
		const notices: string[] = [];
		await migrate(plain, { onNotice: (text) => notices.push(text) });
		const client = await clientOf(t, plain);
		t.notOk(await roleExists());
		t.match(notices, [
			/"reporter" does not exist, and plain may not create roles/,
			/"reporter" does not exist: it was not granted hourly_user_blocks/,
		]);
		t.match(await client.query("SELECT FROM hourly_active_users"), { rowCount: 0 }, "the rest is applied");

		const [, forAdmin = "", forOwner = ""] =
			/administrator run: (.*?;) and then as plain in this database: (.*)$/.exec(notices[0] ?? "") ?? [];
		await admin.query(forAdmin);
		await client.query(forOwner);
		await client.query(/run as plain in this database: (.*)$/.exec(notices[1] ?? "")?.[1] ?? "");
		const granted = Object.entries(await privileges(client, "reporter")).filter(([, kinds]) => kinds !== "");
		t.same(
			granted,
			PUBLIC.map((relation) => [relation, "SELECT"]),
			"what it was told to run is what the migration would have done",
		);
	});

	await t.test("a role that is there is used, by an owner who may not create roles", async (t) => {
		t.ok(await roleExists());
		const owner = await databaseOf(await user_("second", ""), "b");
		await migrate(owner);
		t.equal((await privileges(await clientOf(t, owner), "reporter"))["events"], "SELECT");
	});

	await t.test("a schema of one's own is opened for the role", async (t) => {
		const owner = await databaseOf(await user_("third", ""), "c");
		const setup = await clientOf(t, owner);
		await setup.query("CREATE SCHEMA lottery; ALTER ROLE third IN DATABASE c SET search_path = lottery");
		await migrate(owner);
		const { rows } = await setup.query(
			"SELECT has_schema_privilege('reporter', 'lottery', 'USAGE') AS usage",
		);
		t.same(rows, [{ usage: true }]);
	});

	await t.test("another database that creates the role at the same moment is waited for", async (t) => {
		for (const database of ["a", "b", "c"]) await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
		await admin.query("DROP ROLE reporter");
		const creator = await databaseOf(await user_("creator", "CREATEROLE"), "d");
		await admin.query("BEGIN");
		await admin.query("CREATE ROLE reporter NOLOGIN");
		const migrating = migrate(creator);
		const watcher = await clientOf(t, administrator);
		await waitUntil(async () => (await watcher.query("SELECT FROM pg_locks WHERE NOT granted")).rowCount, {
			what: "the migration's wait",
		});
		await admin.query("COMMIT");
		t.ok((await migrating).applied.includes("0005_reporter.sql"));
		t.equal((await privileges(await clientOf(t, creator), "reporter"))["dead_letters"], "SELECT");
	});

	await t.test("who may create roles creates it, without a login", async (t) => {
		await admin.query("DROP DATABASE d WITH (FORCE)");
		await admin.query("DROP ROLE reporter");
		const creator = await databaseOf({ ...administrator, user: "creator", password: "x" }, "e");
		await migrate(creator);
		const { rows } = await admin.query(
			"SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'reporter'",
		);
		t.same(rows, [{ rolcanlogin: false, rolsuper: false, rolcreatedb: false, rolcreaterole: false }]);
		t.equal((await privileges(await clientOf(t, creator), "reporter"))["events"], "SELECT");
	});
});
