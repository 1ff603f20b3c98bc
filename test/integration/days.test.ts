import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import t from "tap";
import { connect, destroy } from "../../engine/sink/connect.ts";
import { DAY_PARTITIONS_MAX, ensureDays, utcDay } from "../../engine/sink/days.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { createDatabase } from "../support/database.ts";

const COLUMNS = "event_time, event_type, user_id, session_id, kafka_partition, kafka_offset";

const MIGRATION = readFileSync(join(packageRoot(), "schema", "migrations", "0008_events_vacuum.sql"), "utf8");

async function migrated(test: Parameters<typeof createDatabase>[0]) {
	const { settings, client } = await createDatabase(test);
	await migrate(settings);
	const other = new pg.Client({ ...settings });
	await other.connect();
	test.teardown(() => other.end());
	return { settings, client, other };
}

function insertAt(client: pg.Client, time: string) {
	return client.query(`INSERT INTO events (${COLUMNS}) VALUES ($1, 'login', 'u', 1, 0, 0)`, [time]);
}

/** Where each row lies, by the time of the event. */
async function homes(client: pg.Client): Promise<Record<string, string>> {
	const { rows } = await client.query(
		"SELECT event_time::text AS time, tableoid::regclass::text AS home FROM events ORDER BY event_time",
	);
	return Object.fromEntries(rows.map((row) => [row.time, row.home]));
}

/** A machine may be slower than a flush may wait. */
const patientDays: typeof ensureDays = (client, options) =>
	ensureDays(client, { statementTimeoutMs: 30_000, ...options });

t.test("each day gets a partition with a BRIN index and takes the rows of that UTC day", async (t) => {
	const { client } = await migrated(t);
	// What is a day must not hang on the session.
	await client.query("SET TimeZone = 'America/New_York'");
	t.same(await patientDays(client, { days: ["2025-06-02", "2025-06-01", "2025-06-02"], partitionsMax: 10 }), {
		created: ["2025-06-01", "2025-06-02"],
		skipped: [],
	});
	await client.query("SET TimeZone = 'UTC'");
	for (const time of ["2025-05-31T23:59:59.999999Z", "2025-06-01T00:00:00Z", "2025-06-02T23:59:59.999999Z"]) {
		await insertAt(client, time);
	}
	t.same(await homes(client), {
		"2025-05-31 23:59:59.999999+00": "events_default",
		"2025-06-01 00:00:00+00": "events_2025_06_01",
		"2025-06-02 23:59:59.999999+00": "events_2025_06_02",
	});
	const { rows } = await client.query(
		"SELECT indexdef FROM pg_indexes WHERE tablename = 'events_2025_06_01'",
	);
	t.equal(rows.length, 1);
	t.match(rows[0].indexdef, /USING brin \(event_time\) WITH \(autosummarize='?off'?\)$/);
	await insertAt(client, "2025-06-01T12:00:00Z");
	const { rows: defaults } = await client.query(
		"SELECT ingested_at > now() - interval '1 minute' AS recent FROM events_2025_06_01",
	);
	t.same(defaults, [{ recent: true }, { recent: true }], "the defaults are there too");
});

/** Settings of the partitions of `events` and of their indexes, by the partition's name. */
async function storageSettings(client: pg.Client): Promise<Record<string, string[]>> {
	const { rows } = await client.query<{ name: string; settings: string[] }>(
		`SELECT c.relname AS name, c.reloptions || i.reloptions AS settings
		FROM pg_inherits AS h JOIN pg_class AS c ON c.oid = h.inhrelid
		JOIN pg_index AS x ON x.indrelid = c.oid JOIN pg_class AS i ON i.oid = x.indexrelid
		WHERE h.inhparent = 'events'::regclass`,
	);
	return Object.fromEntries(rows.map((row) => [row.name, row.settings]));
}

t.test("vacuum comes to large partitions only, and no summaries are asked for in between", async (t) => {
	const { client } = await migrated(t);
	await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	const threshold = "autovacuum_vacuum_insert_threshold=10000000";
	t.same(await storageSettings(client), {
		events_default: [threshold, "autosummarize=off"],
		events_2025_06_01: [threshold, "autosummarize=off"],
	});
	await client.query(
		`ALTER TABLE events_2025_06_01 RESET (autovacuum_vacuum_insert_threshold);
		ALTER INDEX events_2025_06_01_event_time_idx SET (autosummarize = on)`,
	);
	await client.query(MIGRATION);
	t.same(
		(await storageSettings(client))["events_2025_06_01"],
		[threshold, "autosummarize=off"],
		"days from before the migration get it too",
	);
});

t.test("indexes that somebody put on events come to new days as they are", async (t) => {
	const { client } = await migrated(t);
	await client.query("DROP INDEX events_event_time_brin");
	await client.query("CREATE INDEX ON events (user_id)");
	await client.query("CREATE INDEX ON events USING brin (event_time) WITH (pages_per_range = 32)");
	await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	const { rows } = await client.query(
		"SELECT indexdef FROM pg_indexes WHERE tablename = 'events_2025_06_01' ORDER BY indexdef",
	);
	t.equal(rows.length, 2);
	t.match(rows[0].indexdef, /USING brin \(event_time\) WITH \(pages_per_range='32'\)$/);
	t.match(rows[1].indexdef, /USING btree \(user_id\)$/);
});

t.test("a partition of another owner keeps its settings, and keeps nobody from migrating", async (t) => {
	const { client } = await migrated(t);
	await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	const hints: unknown[] = [];
	client.on("notice", ({ hint }) => hints.push(hint));
	const owner = `owner_${process.pid}`;
	await client.query("BEGIN");
	await client.query(
		`CREATE ROLE ${owner};
		GRANT CREATE ON SCHEMA public TO ${owner};
		ALTER TABLE events OWNER TO ${owner};
		ALTER TABLE events_default OWNER TO ${owner};
		ALTER TABLE dead_letters OWNER TO ${owner};
		SET LOCAL ROLE ${owner}`,
	);
	await client.query(MIGRATION);
	t.match(hints, [
		/events_2025_06_01 SET \(autovacuum/,
		/events_2025_06_01_event_time_idx SET \(autosummarize/,
	]);
	await client.query("ROLLBACK");
});

t.test("days that have a partition are neither created nor skipped", async (t) => {
	const { client } = await migrated(t);
	await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	t.same(await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 }), {
		created: [],
		skipped: [],
	});
	t.same(await patientDays(client, { days: [], partitionsMax: 10 }), { created: [], skipped: [] });
});

t.test("a day with rows in the default partition is skipped, and the days around it are made", async (t) => {
	const { client } = await migrated(t);
	await insertAt(client, "2025-06-02T23:59:59.999999Z");
	const result = await patientDays(client, {
		days: ["2025-06-01", "2025-06-02", "2025-06-03"],
		partitionsMax: 10,
	});
	t.same(result, {
		created: ["2025-06-01", "2025-06-03"],
		skipped: [{ day: "2025-06-02", why: "the default partition holds rows of this day", retry: false }],
	});
});

t.test("a day that cannot be made is found out without asking for a lock", async (t) => {
	const { client, other } = await migrated(t);
	await insertAt(client, "2025-06-01T10:00:00Z");
	await other.query("BEGIN; SELECT count(*) FROM events");
	const result = await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	t.match(result.skipped, [{ why: /holds rows/, retry: false }], "the reader was not in the way");
	await other.query("COMMIT");
});

t.test("an open reader is not waited for long, and the day is made once he is gone", async (t) => {
	const { client, other } = await migrated(t);
	await other.query("BEGIN; SELECT count(*) FROM events");
	const startedAt = performance.now();
	const result = await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	t.ok(performance.now() - startedAt < 5_000);
	t.match(result, { created: [], skipped: [{ day: "2025-06-01", why: /reading or writing/, retry: true }] });
	await other.query("COMMIT");
	t.same((await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 })).created, ["2025-06-01"]);
});

t.test("an open COPY makes the day be skipped, and can still store rows of that day", async (t) => {
	const { client, other } = await migrated(t);
	// No row has arrived yet: nothing but the parent is locked, and the COPY has already decided what goes where.
	const copy = other.query(copyFrom(`COPY events (${COLUMNS}) FROM STDIN`));
	const open =
		"SELECT count(*)::int AS n FROM pg_locks WHERE relation = 'events'::regclass AND mode = 'RowExclusiveLock'";
	while ((await client.query(open)).rows[0].n === 0);
	const result = await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 });
	t.match(result, { created: [], skipped: [{ day: "2025-06-01", retry: true }] });
	copy.end("2025-06-01 10:00:00+00\tlogin\tu\t1\t0\t0\n");
	await once(copy, "finish");
	t.same(await homes(client), { "2025-06-01 10:00:00+00": "events_default" });
	t.match(await patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 }), {
		skipped: [{ why: /holds rows/, retry: false }],
	});
});

t.test("a COPY that comes while a day is made waits and then uses it", async (t) => {
	const { client, other } = await migrated(t);
	await client.query("BEGIN; LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE");
	const inserted = insertAt(other, "2025-06-01T10:00:00Z");
	await client.query("COMMIT");
	await inserted;
	await client.query("TRUNCATE events");
	const [result] = await Promise.all([
		patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 }),
		(async () => {
			for (let i = 0; i < 100; i++) await insertAt(other, "2025-06-02T10:00:00Z");
		})(),
	]);
	t.same([...result.created, ...result.skipped.map((skip) => skip.day)], ["2025-06-01"]);
	t.equal(
		(await client.query("SELECT count(*)::int AS n FROM events")).rows[0].n,
		100,
		"no insert has failed",
	);
});

t.test("no more partitions are made than allowed", async (t) => {
	const { client } = await migrated(t);
	const days = ["2025-06-01", "2025-06-02", "2025-06-03"];
	const result = await patientDays(client, { days, partitionsMax: 2 });
	t.match(result, {
		created: ["2025-06-01", "2025-06-02"],
		skipped: [{ day: "2025-06-03", why: /2 day partitions/, retry: false }],
	});
	t.same((await patientDays(client, { days, partitionsMax: DAY_PARTITIONS_MAX })).created, ["2025-06-03"]);
});

t.test("two engines that make the same days make each once", async (t) => {
	const { client, other } = await migrated(t);
	const days = Array.from({ length: 8 }, (_, i) => `2025-06-0${i + 1}`);
	const results = await Promise.all([client, other].map((c) => patientDays(c, { days, partitionsMax: 100 })));
	// On a slow machine one may not have waited long enough for the other, and nothing worse.
	t.same(
		results.flatMap((result) => result.skipped).filter((skip) => !skip.retry),
		[],
	);
	results.push(await patientDays(client, { days, partitionsMax: 100 }));
	t.same(results.flatMap((result) => result.created).sort(), days);
});

t.test("a default partition too large to be read in time is left alone", async (t) => {
	const { client } = await migrated(t);
	await client.query(
		`INSERT INTO events (${COLUMNS})
		SELECT '2025-01-01'::timestamptz, 'login', 'u' || i, i, 0, i FROM generate_series(1, 300000) AS i`,
	);
	const result = await patientDays(client, {
		days: ["2025-06-01"],
		partitionsMax: 10,
		statementTimeoutMs: 1,
	});
	t.match(result, { created: [], skipped: [{ day: "2025-06-01", why: /too large/, retry: false }] });
});

t.test("a table that only has the name of the partition is not touched", async (t) => {
	const { client } = await migrated(t);
	await client.query("CREATE TABLE events_2025_06_01 AS SELECT 1 AS kept");
	t.match(await patientDays(client, { days: ["2025-06-01", "2025-06-02"], partitionsMax: 10 }), {
		created: ["2025-06-02"],
		skipped: [{ day: "2025-06-01", why: /not a partition/ }],
	});
	t.same((await client.query("SELECT * FROM events_2025_06_01")).rows, [{ kept: 1 }]);
});

t.test("a partition that somebody made wider is respected", async (t) => {
	const { client } = await migrated(t);
	await client.query(
		"CREATE TABLE june PARTITION OF events FOR VALUES FROM ('2025-06-01') TO ('2025-07-01')",
	);
	t.match(await patientDays(client, { days: ["2025-06-30", "2025-07-01"], partitionsMax: 10 }), {
		created: ["2025-07-01"],
		skipped: [{ day: "2025-06-30", why: /another partition/ }],
	});
});

t.test("the first and the last day that an event can have get a partition", async (t) => {
	const { client } = await migrated(t);
	const days = [
		utcDay(-1),
		utcDay(0),
		utcDay((Date.UTC(10_000, 0, 1) + 13 * 3_600_000) / 3_600_000),
		"2025-06-01",
	];
	t.same(days, ["1969-12-31", "1970-01-01", "10000-01-01", "2025-06-01"]);
	const result = await patientDays(client, { days, partitionsMax: 10 });
	t.same(result, { created: ["1969-12-31", "1970-01-01", "2025-06-01", "10000-01-01"], skipped: [] });
	await insertAt(client, "1970-01-01T00:00:00+14:00");
	await insertAt(client, "9999-12-31T23:00:00-14:00");
	t.same(Object.values(await homes(client)), ["events_1969_12_31", "events_10000_01_01"]);
});

t.test("what is no date is refused", async (t) => {
	const { client } = await migrated(t);
	for (const day of [
		"2025-02-29",
		"2025-13-01",
		"2025-6-1",
		"tomorrow",
		"2025-06-01'; DROP TABLE events; --",
		"",
	]) {
		await t.rejects(patientDays(client, { days: ["2025-06-01", day], partitionsMax: 10 }), RangeError, day);
	}
	t.same((await patientDays(client, { days: ["2024-02-29"], partitionsMax: 10 })).created, ["2024-02-29"]);
});

t.test("a lost connection is thrown, not reported as a skipped day", async (t) => {
	const { settings } = await migrated(t);
	const client = await connect(settings, { applicationName: "test" });
	destroy(client);
	await t.rejects(patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 }));
});

t.test("a connection lost half-way is thrown as well", async (t) => {
	const { settings, client: killer, other: blocker } = await migrated(t);
	const client = await connect(settings, { applicationName: "test" });
	const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
	await blocker.query("BEGIN; LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE");
	const result = patientDays(client, { days: ["2025-06-01"], partitionsMax: 10 }).catch(
		(error: unknown) => error,
	);
	const waits = "SELECT count(*)::int AS n FROM pg_locks WHERE pid = $1 AND NOT granted";
	while ((await killer.query(waits, [rows[0].pid])).rows[0].n === 0);
	await killer.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
	t.match(await result, { code: "57P01" });
	destroy(client);
});
