/** Postgres itself: what ends a backend and what does not, codes of limits, order of bytes. */
import { setTimeout as sleep } from "node:timers/promises";
import { from as copyFrom } from "pg-copy-streams";
import t, { type Test } from "tap";
import { createDatabase } from "../support/database.ts";
import { codeOf, free, session, stage, untilBlocked } from "../support/postgres-sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test('COLLATE "C" is the order of bytes, which is not that of JavaScript', async (t) => {
	const { client } = await createDatabase(t);
	const names = ["\u{1f600}", "\uff5e", "b", "B", "\u00e4"];
	const { rows } = await client.query(
		'SELECT name FROM unnest($1::text[]) AS v(name) ORDER BY name COLLATE "C"',
		[names],
	);
	const byBytes = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
	t.same(
		rows.map(({ name }) => name),
		byBytes,
	);
	t.not(String(byBytes), String([...names].sort()), "JavaScript compares UTF-16");
});

/** A session frozen in mid-COPY, as an engine that was stopped: it holds row 1 and sends no more. */
async function frozenInCopy(t: Test, limits = "") {
	const { looker, a, b } = await stage(t);
	// In one request: between two of them a limit could strike already.
	const stream = a.client.query(
		copyFrom(`BEGIN; ${limits} UPDATE it SET name = 'held' WHERE id = 1; COPY it (id) FROM STDIN`),
	);
	const ended = new Promise<unknown>((resolve) => {
		stream.once("error", (error) => resolve(codeOf(error)));
	});
	stream.write("100\n");
	await waitUntil(async () => (await looker.query(READING_FROM_CLIENT, [a.pid])).rowCount === 1);
	return { looker, a, b, ended };
}

/** Behind the row that was sent: what comes in later would have it look for a cancel. */
const READING_FROM_CLIENT = `SELECT FROM pg_stat_activity JOIN pg_stat_progress_copy USING (pid)
	WHERE pid = $1 AND wait_event = 'ClientRead' AND state = 'active' AND bytes_processed > 0`;

t.test(
	"no time-out of the server and no pg_cancel_backend ends a backend in mid-COPY; pg_terminate_backend does",
	async (t) => {
		const limits = [
			"statement_timeout",
			"idle_in_transaction_session_timeout",
			"lock_timeout",
			"transaction_timeout",
		];
		const { looker, a, b, ended } = await frozenInCopy(
			t,
			`DO $$ DECLARE name text; BEGIN
			FOR name IN SELECT s.name FROM pg_settings s WHERE s.name IN (${limits.map((name) => `'${name}'`)}) LOOP
				PERFORM set_config(name, '300', true);
			END LOOP;
		END $$;`,
		);
		await looker.query("SELECT pg_cancel_backend($1)", [a.pid]);
		await sleep(800);
		t.same(await free(looker), [2, 3], "its row is still held");
		const waiting = b.client.query("SELECT FROM it WHERE id = 1 FOR UPDATE");
		t.same((await untilBlocked(looker, b.pid)).blockers, [a.pid]);
		await looker.query("SELECT pg_terminate_backend($1)", [a.pid]);
		t.equal((await waiting).rowCount, 1);
		t.equal(await ended, "57P01");
	},
);

t.test(
	"a backend in mid-COPY whose client sends nothing waits for it with wait_event_type Client",
	async (t) => {
		const { looker, a } = await frozenInCopy(t);
		const { rows } = await looker.query(
			"SELECT wait_event_type AS event, state FROM pg_stat_activity WHERE pid = $1",
			[a.pid],
		);
		t.same(
			rows,
			[{ event: "Client", state: "active" }],
			"by this engine/sink/blockers.ts knows who is frozen",
		);
	},
);

t.test("a day attached in mid-COPY makes the default partition refuse its rows with 23514", async (t) => {
	const database = await createDatabase(t);
	const { client: looker } = database;
	await looker.query(
		`CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
		CREATE TABLE events_default PARTITION OF events DEFAULT`,
	);
	const { client } = await session(t, database);
	const stream = client.query(copyFrom("COPY events (at) FROM STDIN"));
	const ended = new Promise<unknown>((resolve) => {
		stream.once("error", resolve);
		stream.once("finish", () => resolve("stored"));
	});
	await waitUntil(async () => {
		const { rowCount } = await looker.query(
			"SELECT FROM pg_locks WHERE relation = 'events'::regclass AND mode = 'RowExclusiveLock'",
		);
		return rowCount === 1;
	});
	await looker.query(
		`CREATE TABLE day (LIKE events);
		ALTER TABLE events ATTACH PARTITION day FOR VALUES FROM ('2025-06-01Z') TO ('2025-06-02Z')`,
	);
	stream.end("2025-06-01 10:00:00+00\n");
	const refused = (await ended) as { constraint?: string };
	t.match(
		refused,
		{ code: "23514", where: /^COPY events, line 1/ },
		"it names a line, though no event is to blame",
	);
	t.equal(refused.constraint, undefined, "but no constraint: by that engine/sink/refused-row.ts knows");
});

t.test(
	"an advisory lock belongs to its session: nobody else gets it, and it is free when the session ends",
	async (t) => {
		const { looker, a } = await stage(t);
		const take = "SELECT pg_try_advisory_lock(7, 7) AS got";
		t.same((await a.client.query(take)).rows, [{ got: true }]);
		t.same((await looker.query(take)).rows, [{ got: false }]);
		await looker.query("SELECT pg_terminate_backend($1)", [a.pid]);
		await waitUntil(async () => (await looker.query(take)).rows[0].got, { what: "the lock of the dead" });
	},
);

t.test(
	"limits end with their own codes: 55P03 for a lock, 57014 for a statement, 25P03 FATAL for an idle transaction",
	async (t) => {
		const { looker, a, b } = await stage(t);
		await a.client.query("BEGIN; SELECT FROM it WHERE id = 1 FOR UPDATE");
		await b.client.query("SET lock_timeout = 50");
		t.equal(await b.client.query("SELECT FROM it WHERE id = 1 FOR UPDATE").catch(codeOf), "55P03");
		await b.client.query("SET lock_timeout = 0; SET statement_timeout = 50");
		t.equal(await b.client.query("SELECT pg_sleep(10)").catch(codeOf), "57014");
		const errors: unknown[] = [];
		a.client.on("error", (error) => void errors.push(error));
		await a.client.query("SET idle_in_transaction_session_timeout = 50");
		await waitUntil(() => errors.length > 0);
		t.match(errors[0], { code: "25P03", severity: "FATAL" });
		// It says so before it lets go.
		await waitUntil(async () => (await free(looker)).length === 3, { what: "all rows free" });
	},
);

t.test("a server set to read only says so before it is written to, and refuses with 25006", async (t) => {
	const { database } = await stage(t);
	await database.client.query(
		`ALTER DATABASE ${database.settings.database} SET default_transaction_read_only = on`,
	);
	const { client } = await session(t, database);
	t.same((await client.query("SELECT current_setting('transaction_read_only') AS ro")).rows, [{ ro: "on" }]);
	t.equal(await client.query("UPDATE it SET epoch = 2").catch(codeOf), "25006");
});
