import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { runMigrate } from "../../engine/commands/migrate.ts";
import { connect } from "../../engine/sink/connect.ts";
import { MIGRATE_LOCK } from "../../engine/sink/locks.ts";
import { isCurrent, migrate, migrationStatus } from "../../engine/sink/migrate.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { createDatabase } from "../support/database.ts";

const ours = join(packageRoot(), "schema", "migrations");

/** A folder with copies of our migrations, to be tampered with. */
async function copyOfOurs(test: { testdir(): string }): Promise<string> {
	const folder = join(test.testdir(), "migrations");
	await mkdir(folder, { recursive: true });
	await cp(ours, folder, { recursive: true });
	return folder;
}

t.test("an empty database gets every migration, and a second run finds nothing to do", async (t) => {
	const { settings, client } = await createDatabase(t);
	const files = (await readdir(ours)).sort();
	t.same(await migrationStatus(settings), { applied: [], pending: files, unknown: [], changed: [] });
	t.same(await migrate(settings), { applied: files, current: files.at(-1) });
	t.same(await migrate(settings), { applied: [], current: files.at(-1) });
	const status = await migrationStatus(settings);
	t.same(status, { applied: files, pending: [], unknown: [], changed: [] });
	t.ok(isCurrent(status));
	const { rows } = await client.query(
		"SELECT name, length(checksum) AS length FROM schema_migrations ORDER BY name",
	);
	t.same(
		rows,
		files.map((name) => ({ name, length: 64 })),
	);
});

t.test("four engines that migrate at the same time apply each file once", async (t) => {
	const { settings } = await createDatabase(t);
	const results = await Promise.all(Array.from({ length: 4 }, () => migrate(settings)));
	t.same(results.flatMap((result) => result.applied).sort(), (await readdir(ours)).sort());
});

t.test("migrating waits for another process that is migrating", async (t) => {
	const { settings, client } = await createDatabase(t);
	await client.query(`SELECT pg_advisory_lock(${MIGRATE_LOCK})`);
	let done = false;
	const migrating = migrate(settings).then((result) => {
		done = true;
		return result;
	});
	const waiting =
		"SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
	while (!done && (await client.query(waiting)).rows[0].n === 0);
	t.notOk(done, "it has not gone ahead");
	await client.query(`SELECT pg_advisory_unlock(${MIGRATE_LOCK})`);
	t.ok((await migrating).applied.length > 0);
});

t.test("an applied file that was changed is refused by its name", async (t) => {
	const { settings } = await createDatabase(t);
	const folder = await copyOfOurs(t);
	await migrate(settings, { folder });
	const file = join(folder, "0001_tables.sql");
	const sql = await readFile(file, "utf8");
	await writeFile(file, `${sql}-- one more line\n`);
	t.same((await migrationStatus(settings, { folder })).changed, ["0001_tables.sql"]);
	await t.rejects(migrate(settings, { folder }), {
		code: "MIGRATION_CHANGED",
		exitCode: 78,
		message: /changed since: 0001_tables\.sql/,
		nextStep: /new migration/,
	});
	await writeFile(file, sql.replaceAll("\n", "\r\n"));
	t.same((await migrationStatus(settings, { folder })).changed, [], "other line ends are no change");
});

t.test("a database that is newer than this version is refused", async (t) => {
	const { settings } = await createDatabase(t);
	const folder = await copyOfOurs(t);
	await writeFile(join(folder, "9999_from_the_future.sql"), "CREATE TABLE future ();");
	await migrate(settings, { folder });
	t.same((await migrationStatus(settings)).unknown, ["9999_from_the_future.sql"]);
	await t.rejects(migrate(settings), {
		code: "MIGRATION_UNKNOWN",
		exitCode: 78,
		message: /9999_from_the_future/,
		nextStep: /newer version/,
	});
});

t.test("a new file that would have to run before an applied one is refused", async (t) => {
	const { settings } = await createDatabase(t);
	await migrate(settings);
	const folder = await copyOfOurs(t);
	await writeFile(join(folder, "0000_too_late.sql"), "CREATE TABLE late ();");
	await t.rejects(migrate(settings, { folder }), { code: "MIGRATION_ORDER", message: /0000_too_late/ });
});

t.test("a file that fails leaves nothing behind, and what came before it stays", async (t) => {
	const { settings, client } = await createDatabase(t);
	const folder = await copyOfOurs(t);
	await writeFile(join(folder, "9998_fails.sql"), "CREATE TABLE half ();\nSELECT\n\tno_such_column;\n");
	await t.rejects(migrate(settings, { folder }), {
		code: "MIGRATION_FAILED",
		message: /9998_fails\.sql line 3 could not be applied: .*no_such_column/,
	});
	t.same((await migrationStatus(settings, { folder })).pending, ["9998_fails.sql"]);
	const { rows } = await client.query("SELECT to_regclass('half') AS half, to_regclass('events') AS events");
	t.same(rows, [{ half: null, events: "events" }]);
});

t.test("a file that fails only when it is committed leaves nothing behind either", async (t) => {
	const { settings, client } = await createDatabase(t);
	const folder = await copyOfOurs(t);
	await writeFile(
		join(folder, "9998_fails_late.sql"),
		"CREATE TABLE half (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO half VALUES (1), (1);",
	);
	await t.rejects(migrate(settings, { folder }), { code: "MIGRATION_FAILED", message: /duplicate key/ });
	t.same((await migrationStatus(settings, { folder })).pending, ["9998_fails_late.sql"]);
	t.same((await client.query("SELECT to_regclass('half') AS half")).rows, [{ half: null }]);
});

t.test("our migrations hold no BEGIN and no COMMIT", async (t) => {
	for (const name of await readdir(ours)) {
		// In the body of a function they are words of another language.
		const sql = (await readFile(join(ours, name), "utf8")).replace(/--.*/g, "").replace(/\$\$.*?\$\$/gs, "");
		t.notMatch(sql, /^\s*(BEGIN|COMMIT|ROLLBACK)\b/im, name);
	}
});

t.test("file names that say no order are refused", async (t) => {
	const settings = { connectionString: "postgres://127.0.0.1:1/never" };
	const badName = t.testdir({ "add_table.sql": "" });
	await t.rejects(migrate(settings, { folder: badName }), /add_table\.sql .* is not named like/);
	const twice = t.testdir({ "0001_a.sql": "", "0001_b.sql": "" });
	await t.rejects(migrate(settings, { folder: twice }), /two files .* number 0001/);
});

t.test("a user who may not create tables is told so", async (t) => {
	const { settings, client } = await createDatabase(t);
	const role = `r_${settings.database}`;
	await client.query(`REVOKE CREATE ON SCHEMA public FROM public; CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
	t.teardown(() => client.query(`DROP ROLE ${role}`));
	await t.rejects(migrate({ ...settings, user: role, password: "x" }), {
		code: "MIGRATION_FAILED",
		message: /permission denied/,
		nextStep: /GRANT CREATE/,
	});
});

t.test("the command says what it did, and its status is exit 3 until the schema is current", async (t) => {
	const { settings } = await createDatabase(t);
	const written = { out: "", log: "" };
	const out = { write: (text: string) => (written.out += text) };
	const log = { write: (text: string) => (written.log += text) };
	const run = async (options: { status?: boolean; json?: boolean }) => {
		written.out = written.log = "";
		return runMigrate({ settings, out, log, ...options });
	};
	t.equal(await run({ status: true }), 3);
	t.match(written.out, /pending {2}0001_tables\.sql\n(.*\n)*.*run `node engine migrate`\n$/);
	t.equal(await run({}), 0);
	t.match(written.log, /^applied 0001_tables\.sql\n/);
	t.match(written.out, /\d applied, the schema is at \d{4}_\w+\.sql\n$/);
	t.equal(await run({ status: true }), 0);
	t.match(written.out, /the schema is current\n$/);
	t.equal(await run({ status: true, json: true }), 0);
	t.match(JSON.parse(written.out), { current: true, pending: [] });
	t.equal(await run({ json: true }), 0);
	t.match(JSON.parse(written.out), { applied: [], current: /\.sql$/ });
	const client = await connect(settings, { applicationName: "test" });
	await client.query(
		"INSERT INTO schema_migrations VALUES ('9999_new.sql', 'x'); UPDATE schema_migrations SET checksum = 'y' WHERE name LIKE '0001%'",
	);
	await client.end();
	t.equal(await run({ status: true }), 3);
	t.match(
		written.out,
		/changed {2}0001_tables\.sql\n(.*\n)*unknown {2}9999_new\.sql\n(.*\n)*.*changed since/,
	);
});
