/** node-postgres, behind engine/sink: what becomes of a client in doubt, and how values go there and back. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import t, { type Test } from "tap";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Inside of pg, and in use: engine/sink/connect.ts ends it, engine/sink/blockers.ts names the backend by it. */
interface Inside {
	readonly connection: { readonly stream: { destroy(): void; readonly destroyed: boolean } };
	readonly processID: number;
}

function inside(client: pg.Client): Inside {
	return client as unknown as Inside;
}

/** A second client, quiet about its end, and what it says in `error` events. */
async function connected(
	t: Test,
	settings: pg.ClientConfig,
): Promise<{ client: pg.Client; errors: Error[] }> {
	const client = new pg.Client(settings);
	const errors: Error[] = [];
	client.on("error", (error) => void errors.push(error));
	await client.connect();
	t.teardown(() => inside(client).connection.stream.destroy());
	return { client, errors };
}

async function proxied(t: Test, { settings }: TestDatabase) {
	const proxy = await startProxy(t, settings.port);
	return { proxy, ...(await connected(t, { ...settings, host: "127.0.0.1", port: proxy.port })) };
}

t.test(
	"COMMIT of a failed transaction resolves without an error, and only its tag says ROLLBACK",
	async (t) => {
		const { client } = await createDatabase(t);
		await client.query("CREATE TABLE it (n int)");
		await client.query("BEGIN; INSERT INTO it VALUES (1)");
		await t.rejects(client.query("SELECT 1/0"), { code: "22012" });
		await t.rejects(client.query("SELECT 1"), { code: "25P02" });
		t.equal((await client.query("COMMIT")).command, "ROLLBACK");
		t.equal((await client.query("TABLE it")).rowCount, 0);
		await client.query("BEGIN");
		t.equal((await client.query("COMMIT")).command, "COMMIT");
	},
);

t.test(
	"a connection cut behind COMMIT rejects it as terminated although it is committed, as pg_xact_status knows",
	async (t) => {
		const database = await createDatabase(t);
		const { proxy, client } = await proxied(t, database);
		await client.query("CREATE TABLE it (n int)");
		await client.query("BEGIN; INSERT INTO it VALUES (1)");
		const { rows } = await client.query("SELECT pg_current_xact_id()::text AS id");
		proxy.onRequest = (chunk) => (chunk.includes("COMMIT") ? "swallow" : "pass");
		await t.rejects(client.query("COMMIT"), { message: /Connection terminated unexpectedly/ });
		t.equal(proxy.swallowed, 1);
		const status = await database.client.query("SELECT pg_xact_status($1::xid8) AS status", [rows[0].id]);
		t.equal(status.rows[0].status, "committed");
		t.equal((await database.client.query("TABLE it")).rowCount, 1);
	},
);

t.test(
	"an idle client whose backend is terminated emits error, which would end a process without a listener",
	async (t) => {
		const { settings, client: other } = await createDatabase(t);
		const { client, errors } = await connected(t, settings);
		await other.query("SELECT pg_terminate_backend($1)", [inside(client).processID]);
		await waitUntil(() => errors.length > 0);
		t.match(errors[0], { code: "57P01", severity: "FATAL" });
		await t.rejects(client.query("SELECT 1"), /not queryable/, "and what comes later never hears why");
	},
);

t.test("a query under way when its backend is terminated rejects with 57P01", async (t) => {
	const { settings, client: other } = await createDatabase(t);
	const { client } = await connected(t, settings);
	const sleeping = client.query("SELECT pg_sleep(60)").catch((error: unknown) => error);
	await other.query("SELECT pg_terminate_backend($1)", [inside(client).processID]);
	t.match(await sleeping, { code: "57P01" });
});

t.test("on a frozen connection queries wait for ever, and destroying the socket ends them", async (t) => {
	const database = await createDatabase(t);
	const { proxy, client } = await proxied(t, database);
	proxy.freeze();
	const settled: string[] = [];
	const note = (error: Error): void => void settled.push(error.message);
	const queries = ["SELECT 1", "SELECT 2"].map((sql) =>
		client.query(sql).then(() => settled.push(sql), note),
	);
	await sleep(300);
	t.same(settled, []);
	inside(client).connection.stream.destroy();
	await Promise.all(queries);
	t.match(settled, [/terminated/, /terminated/]);
});

t.test(
	"end of a busy client ends its socket at once, that of an idle one waits for the server",
	async (t) => {
		const database = await createDatabase(t);
		const busy = await proxied(t, database);
		busy.proxy.freeze();
		const query = busy.client.query("SELECT 1").catch((error: Error) => error);
		await busy.client.end();
		t.match(await query, { message: /terminated/ });

		const idle = await proxied(t, database);
		idle.proxy.freeze();
		let isOver = false;
		const ending = idle.client.end().then(() => {
			isOver = true;
		});
		await sleep(300);
		t.notOk(isOver, "a server that froze keeps us from ending in order");
		inside(idle.client).connection.stream.destroy();
		await ending;
	},
);

t.test(
	"query_timeout rejects, and leaves the client waiting for the same answer: the reason why it is not used",
	async (t) => {
		const database = await createDatabase(t);
		const proxy = await startProxy(t, database.settings.port);
		const { client } = await connected(t, {
			...database.settings,
			host: "127.0.0.1",
			port: proxy.port,
			query_timeout: 200,
		});
		proxy.freeze();
		await t.rejects(client.query("SELECT 1"), /timeout/i);
		t.notOk(inside(client).connection.stream.destroyed, "it looks as good as before");
		await t.rejects(client.query("SELECT 2"), /timeout/i, "but answers nobody");
	},
);

t.test("end of a client whose socket is destroyed resolves", async (t) => {
	const { settings } = await createDatabase(t);
	const { client } = await connected(t, settings);
	inside(client).connection.stream.destroy();
	await client.end();
});

t.test("connectionTimeoutMillis is over when the server has accepted and says nothing", async (t) => {
	const database = await createDatabase(t);
	const proxy = await startProxy(t, database.settings.port);
	proxy.freeze();
	const client = new pg.Client({
		...database.settings,
		host: "127.0.0.1",
		port: proxy.port,
		connectionTimeoutMillis: 200,
	});
	client.on("error", () => {});
	await t.rejects(client.connect(), /timeout/i);
});

t.test("processID is the number of the backend", async (t) => {
	const { client } = await createDatabase(t);
	const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
	t.equal(inside(client).processID, rows[0].pid);
});

t.test(
	"a named statement is prepared once per connection, and another text under its name is refused",
	async (t) => {
		const { client } = await createDatabase(t);
		for (let i = 0; i < 3; i++) {
			const { rows } = await client.query({ name: "it", text: "SELECT $1::int + 1 AS n", values: [i] });
			t.equal(rows[0].n, i + 1);
		}
		const { rows } = await client.query("SELECT name FROM pg_prepared_statements");
		t.same(rows, [{ name: "it" }]);
		await t.rejects(client.query({ name: "it", text: "SELECT 2" }), /must be unique/);
	},
);

t.test(
	"bigint and numeric come as strings, bytea as Buffer, int as number: nothing is rounded",
	async (t) => {
		const { client } = await createDatabase(t);
		const { rows } = await client.query(
			"SELECT 9007199254740993::bigint AS b, 12345678901234567890.12::numeric AS n, '\\x00ff'::bytea AS x, 7::int AS i, count(*) AS c, count(*)::int AS ci FROM (SELECT 1) q",
		);
		t.same(rows, [
			{ b: "9007199254740993", n: "12345678901234567890.12", x: Buffer.from([0, 255]), i: 7, c: "1", ci: 1 },
		]);
	},
);

t.test(
	"a Buffer as a parameter goes in binary format: a binary array is taken as the array it is",
	async (t) => {
		const { client } = await createDatabase(t);
		const INT8 = 20;
		const array = Buffer.alloc(20 + 2 * 12);
		// One dimension, no nulls, type, two elements, lower bound 1.
		for (const [i, field] of [1, 0, INT8, 2, 1].entries()) array.writeInt32BE(field, 4 * i);
		for (const [i, value] of [41n, 42n].entries()) {
			array.writeInt32BE(8, 20 + 12 * i);
			array.writeBigInt64BE(value, 24 + 12 * i);
		}
		const { rows } = await client.query("SELECT unnest($1::bigint[])::int AS n", [array]);
		t.same(rows, [{ n: 41 }, { n: 42 }]);
	},
);

t.test(
	"arrays of numbers, strings and nulls become Postgres arrays, quotes and backslashes included",
	async (t) => {
		const { client } = await createDatabase(t);
		const texts = ['a"b', "c\\d", "{e,f}", "", "NULL", null];
		const { rows } = await client.query("SELECT * FROM unnest($1::text[], $2::bigint[]) AS v(a, b)", [
			texts,
			[1, 2, 3, 4, 5, null],
		]);
		t.same(
			rows.map((row) => row.a),
			texts,
		);
		t.equal(rows[5].b, null);
	},
);

t.test("errors carry code, severity and where: what retries are decided by", async (t) => {
	const { client } = await createDatabase(t);
	const error = await client.query("DO $$ BEGIN PERFORM 1/0; END $$").catch((thrown: unknown) => thrown);
	t.match(error, { code: "22012", severity: "ERROR", where: /PL\/pgSQL/ });
});

t.test("queries of one client wait for each other, in order", async (t) => {
	const { client } = await createDatabase(t);
	const order: number[] = [];
	await Promise.all(
		[0.1, 0].map((seconds, i) =>
			client.query("SELECT pg_sleep($1)", [seconds]).then(() => void order.push(i)),
		),
	);
	t.same(order, [0, 1]);
});

t.test("several statements without parameters are one transaction, and give one result each", async (t) => {
	const { client } = await createDatabase(t);
	const results = (await client.query("SELECT 1 AS a; SELECT 2 AS b")) as unknown as pg.QueryResult[];
	t.same(
		results.map(({ rows }) => rows),
		[[{ a: 1 }], [{ b: 2 }]],
	);
	await t.rejects(client.query("CREATE TABLE it (n int); SELECT 1/0"));
	t.equal((await client.query("SELECT to_regclass('it') AS it")).rows[0].it, null);
});
