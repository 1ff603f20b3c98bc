import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import t from "tap";
import { connect, describeSettings, destroy } from "../../engine/sink/connect.ts";
import { isConnectionLost } from "../../engine/sink/errors.ts";
import { createDatabase } from "../support/database.ts";

t.test("a session is in UTC, commits durably, and carries our name and limits", async (t) => {
	const { settings, client: owner } = await createDatabase(t);
	// What the database and the connection string say must not win.
	await owner.query(
		`ALTER DATABASE ${settings.database} SET TimeZone = 'America/New_York';
		ALTER DATABASE ${settings.database} SET synchronous_commit = off;
		ALTER DATABASE ${settings.database} SET DateStyle = 'SQL, DMY';
		ALTER DATABASE ${settings.database} SET search_path = elsewhere, public`,
	);
	const { host, port, user, password, database } = settings;
	const login = password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
	const url = `postgres://${login}@${host}:${port}/${database}?application_name=theirs`;
	for (const how of [settings, { connectionString: url }]) {
		const client = await connect(how, {
			applicationName: "it's ours",
			statementTimeoutMs: 1234,
			lockTimeoutMs: 234,
			idleInTransactionTimeoutMs: 34,
		});
		const shown = async (name: string) => (await client.query(`SHOW ${name}`)).rows[0][name.toLowerCase()];
		t.equal((await client.query("SHOW TimeZone")).rows[0].TimeZone, "UTC");
		t.equal((await client.query("SELECT '2025-06-01'::date::text AS d")).rows[0].d, "2025-06-01");
		t.equal(await shown("synchronous_commit"), "on");
		t.equal(await shown("application_name"), "it's ours");
		t.equal(await shown("statement_timeout"), "1234ms");
		t.equal(await shown("lock_timeout"), "234ms");
		t.equal(await shown("idle_in_transaction_session_timeout"), "34ms");
		t.equal(await shown("client_connection_check_interval"), "5s");
		t.match(await shown("tcp_user_timeout"), /^(15s|15000)$/, "Postgres leaves the unit out here");
		t.equal(await shown("backend_flush_after"), "2MB");
		t.equal(await shown("search_path"), "elsewhere, public", "the search path is left alone");
		await client.end();
	}
});

t.test(
	"how much is written before the disk is asked to take it stays as an administrator has set it",
	async (t) => {
		const { settings, client: owner } = await createDatabase(t);
		await owner.query(`ALTER DATABASE ${settings.database} SET backend_flush_after = '512kB'`);
		const client = await connect(settings, { applicationName: "ours" });
		t.equal((await client.query("SHOW backend_flush_after")).rows[0].backend_flush_after, "512kB");
		await client.end();
	},
);

t.test("a backend that is terminated rejects the query and does not end the process", async (t) => {
	const { settings, client: other } = await createDatabase(t);
	const client = await connect(settings, { applicationName: "victim" });
	const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
	const sleeping = client.query("SELECT pg_sleep(60)").then(
		() => null,
		(error: unknown) => error,
	);
	await other.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
	const error = await sleeping;
	t.match(error, { code: "57P01" });
	t.ok(isConnectionLost(error));
	const next = await client.query("SELECT 1").catch((error: unknown) => error);
	t.ok(next instanceof Error && isConnectionLost(next));
	destroy(client);
});

t.test("destroy ends a query that would hang, and may be called twice", async (t) => {
	const { settings } = await createDatabase(t);
	const client = await connect(settings, { applicationName: "hangs" });
	const sleeping = client.query("SELECT pg_sleep(60)").catch((error: unknown) => error);
	destroy(client);
	destroy(client);
	const error = await sleeping;
	t.ok(error instanceof Error && isConnectionLost(error));
});

t.test("errors of a statement do not count as a lost connection", async (t) => {
	const { client } = await createDatabase(t);
	for (const sql of ["SELECT 1/0", "SELECT no_such_column", "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$"]) {
		t.notOk(isConnectionLost(await client.query(sql).catch((error: unknown) => error)), sql);
	}
	t.ok(isConnectionLost(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })));
});

t.test(
	"nobody listening, an unknown database and a server that says nothing: an error names the next step",
	async (t) => {
		const { settings } = await createDatabase(t);
		const server = createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as { port: number };
		t.teardown(() => server.close());
		const options = { applicationName: "test" };
		const impatient = { ...options, connectTimeoutMs: 200 };

		await t.rejects(connect({ ...settings, host: "127.0.0.1", port }, impatient), {
			code: "ETIMEDOUT",
			exitCode: 69,
			settingsAreWrong: false,
			nextStep: /firewall/,
		});
		server.close();
		await t.rejects(connect({ ...settings, host: "127.0.0.1", port, password: "hidden" }, options), {
			code: "ECONNREFUSED",
			exitCode: 69,
			dependency: "postgres",
			message: new RegExp(
				`^Postgres at 127\\.0\\.0\\.1:${port}/${settings.database} as ${settings.user} (?!.*hidden)`,
			),
			nextStep: /start Postgres/,
		});
		await t.rejects(connect({ ...settings, database: "no_such_database" }, options), {
			code: "3D000",
			settingsAreWrong: true,
			nextStep: /createdb/,
		});
		await t.rejects(connect({ ...settings, ssl: { rejectUnauthorized: true } }, options), {
			code: "UNKNOWN",
			settingsAreWrong: true,
			nextStep: /PGSSLMODE/,
		});
	},
);

t.test("a server that lets us in and then freezes is given up", async (t) => {
	const { settings } = await createDatabase(t);
	// AuthenticationOk, then ReadyForQuery; whatever is asked afterwards gets no answer.
	const welcome = Buffer.from("520000000800000000" + "5a0000000549", "hex");
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket.on("error", () => {}));
		socket.once("data", () => socket.write(welcome));
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const { port } = server.address() as { port: number };
	const connecting = connect(
		{ ...settings, host: "127.0.0.1", port },
		{ applicationName: "test", connectTimeoutMs: 100 },
	);
	await t.rejects(connecting, { code: "ETIMEDOUT", exitCode: 69 });
});

t.test("settings are described without their password", async (t) => {
	t.equal(
		describeSettings({ connectionString: "postgres://me:secret@db:5433/lottery" }),
		"db:5433/lottery as me",
	);
	t.equal(
		describeSettings({ connectionString: "postgres://me:secret@db:port/lottery" }),
		"the address in DATABASE_URL",
	);
});
