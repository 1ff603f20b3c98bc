import { execFile, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { runReport } from "../../engine/commands/report.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { reportNames } from "../../engine/sink/report.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { type BusinessEvent, seededRandom, storeBusiness } from "../support/business.ts";
import { createDatabase } from "../support/database.ts";

const run = promisify(execFile);
const HOUR = Date.UTC(2025, 2, 29) / 3_600_000;

const NAMES = ["daily", "dead-letters", "hourly", "lag", "payout-risk", "quality", "rolling"];

/** Variables to try beside the defaults. */
const VARIABLES: readonly Readonly<Record<string, string>>[] = [
	{ zone: "Europe/Berlin" },
	{ zone: "Asia/Kolkata" },
	{ hours: "7" },
	{ days: "2" },
	{ limit: "1" },
	{ reason: "it's" },
	{ ratio: "0.5" },
];

async function filled(test: Parameters<typeof createDatabase>[0]) {
	const database = await createDatabase(test);
	await migrate(database.settings);
	const random = seededRandom(1);
	const types = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"] as const;
	const events = Array.from({ length: 600 }, (_, i): BusinessEvent => {
		const type = types[Math.floor(random() * types.length)]!;
		const cents =
			type === "ticket_purchased" || type === "claim_reward" ? BigInt(Math.floor(random() * 10_000)) : null;
		// Around the night in which Berlin's clocks go forward.
		return { hour: HOUR + Math.floor(random() * 60), type, user: `u${i % 40}`, session: i % 70, cents };
	});
	await storeBusiness(database.client, events);
	await database.client.query(`
		INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset, gap_count, stored_count,
			dead_letter_count, epoch, owner, last_record_timestamp, newest_event_time, updated_at)
		VALUES
			('user_events', 0, 100, 710, 6, 600, 4, 3, 'host "a", pid 1', 1748790000000, '2025-06-01 15:14:00.5+00', '2025-06-01 15:15:00+00'),
			('user_events', 1, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, '2025-06-01 15:15:00+00'),
			('user_events', 2, 0, 0, 0, 0, 0, 0, NULL, 9223372036854775807, NULL, '2025-06-01 15:15:00+00');
		INSERT INTO dead_letters (topic, kafka_partition, kafka_offset, kafka_timestamp, key, value, headers, stage, reason,
			pointer, detail, created_at)
		VALUES
			('user_events', 0, 101, NULL, NULL, NULL, NULL, 'decode', 'null_value', NULL, NULL, '2025-06-01 15:15:00+00'),
			('user_events', 0, 102, NULL, 'k,"1"', '', NULL, 'decode', 'empty_value', '', '', '2025-06-01 15:15:01+00'),
			('user_events', 0, 103, NULL, NULL, '\\xff00610a1b', NULL, 'decode', 'utf8', NULL, E'two\\nlines\\u001b[31m', '2025-06-01 15:15:02+00'),
			('user_events', 0, 104, NULL, NULL, '{"a":1}', '{"h":"eA=="}', 'validate', 'it''s', '/payload', 'x', '2025-06-01 15:15:03+00')`);
	return database;
}

/** A reader of CSV that shares no code with what it tests; null and the empty text are the same to it. */
function parseCsv(text: string): string[][] {
	const rows: string[][] = [];
	let row: string[] = [];
	for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/g)) {
		row.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
		if (end === ",") continue;
		rows.push(row);
		row = [];
	}
	return rows;
}

async function report(
	name: string,
	options: Omit<Parameters<typeof runReport>[1], "out">,
): Promise<{ code: number; text: string }> {
	let text = "";
	const code = await runReport(name, { ...options, out: { write: (chunk: string) => (text += chunk) } });
	return { code, text };
}

/** What an age says differs from one second to the next. */
function withoutAges(rows: readonly string[][]): string[][] {
	const keep = rows[0]!.map((title) => !title.startsWith("Age "));
	return rows.map((row) => row.filter((_, i) => keep[i]));
}

t.test("there is a file for each report of the contract", async (t) => {
	t.same(await reportNames(), NAMES);
});

t.test("psql -f and the report command give the same rows, whatever the variables", async (t) => {
	const { settings } = await filled(t);
	const hasPsql = spawnSync("psql", ["--version"]).status === 0;
	if (!hasPsql) t.comment("psql is not on PATH: what is compared is only that each report runs");
	const env = {
		...process.env,
		PGHOST: settings.host,
		PGPORT: String(settings.port),
		PGUSER: settings.user,
		PGDATABASE: settings.database,
		...(settings.password === undefined ? {} : { PGPASSWORD: settings.password }),
		// The reports must not depend on what the user's session says.
		PGTZ: "America/New_York",
	};
	for (const name of NAMES) {
		const file = join(packageRoot(), "schema", "reports", `${name}.sql`);
		const text = await readFile(file, "utf8");
		const accepted = VARIABLES.filter((variables) => text.includes(`:'${Object.keys(variables)[0]}'`));
		for (const variables of [{}, ...accepted]) {
			const label = `${name} ${JSON.stringify(variables)}`;
			const mine = parseCsv((await report(name, { settings, csv: true, variables })).text);
			t.ok(mine.length > 1, `${label} has rows`);
			if (!hasPsql) continue;
			const flags = Object.entries(variables).flatMap(([key, value]) => ["-v", `${key}=${value}`]);
			const { stdout, stderr } = await run(
				"psql",
				["-X", "--csv", "-v", "ON_ERROR_STOP=1", ...flags, "-f", file],
				{ env },
			);
			t.equal(stderr, "");
			t.same(withoutAges(mine), withoutAges(parseCsv(stdout)), label);
		}
	}
});

t.test(
	"the hourly report shows the newest hours, oldest first, in the zone that was asked for",
	async (t) => {
		const { settings } = await filled(t);
		const { text, code } = await report("hourly", { settings, csv: true, variables: { hours: "3" } });
		t.equal(code, 0);
		const hours = parseCsv(text).map((row) => row[0]);
		t.same(hours, ["Hour", "2025-03-31 09:00:00+00", "2025-03-31 10:00:00+00", "2025-03-31 11:00:00+00"]);
		const kolkata = await report("hourly", {
			settings,
			csv: true,
			zone: "Asia/Kolkata",
			variables: { hours: "1" },
		});
		t.equal(parseCsv(kolkata.text)[1]![0], "2025-03-31 16:30:00+05:30");
	},
);

t.test("days are those of the zone: the night of summer time has 23 hours in Berlin", async (t) => {
	const { settings, client } = await createDatabase(t);
	await migrate(settings);
	await storeBusiness(
		client,
		Array.from({ length: 72 }, (_, i) => ({
			hour: HOUR + i,
			type: "login",
			user: "u",
			session: i,
			cents: null,
		})),
	);
	const hoursPerDay = async (zone: string | undefined) => {
		const { text } = await report("daily", { settings, json: true, zone });
		const rows = text
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		return Object.fromEntries(rows.map((row) => [row.date, [row.hours, row.active_users]]));
	};
	t.same(await hoursPerDay(undefined), {
		"2025-03-29": [24, 1],
		"2025-03-30": [24, 1],
		"2025-03-31": [24, 1],
	});
	t.same(await hoursPerDay("Europe/Berlin"), {
		"2025-03-29": [23, 1],
		"2025-03-30": [23, 1],
		"2025-03-31": [24, 1],
		"2025-04-01": [2, 1],
	});
	t.same(await hoursPerDay("Asia/Kolkata"), {
		"2025-03-29": [19, 1],
		"2025-03-30": [24, 1],
		"2025-03-31": [24, 1],
		"2025-04-01": [5, 1],
	});
});

t.test("in UTC the daily report is the view", async (t) => {
	const { settings, client } = await filled(t);
	const { text } = await report("daily", { settings, json: true });
	const { rows } = await client.query("SELECT * FROM daily_event_summary ORDER BY date");
	const { rows: dates } = await client.query("SELECT date::text FROM daily_event_summary ORDER BY date");
	t.same(
		text
			.trimEnd()
			.split("\n")
			.map((line) => Object.values(JSON.parse(line)).map(String)),
		rows.map((row, i) => [
			dates[i].date,
			...Object.values(row)
				.slice(1)
				.map((value) => String(Number(value))),
		]),
	);
});

t.test("quality counts what is stored and every kind of dead letter, with shares that add up", async (t) => {
	const { settings } = await filled(t);
	const { text } = await report("quality", { settings, json: true });
	const rows = text
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.match(rows[0], { outcome: "stored", stage: null, reason: null, records: 600, share_percent: 99.3377 });
	t.same(
		rows.slice(1).map((row) => `${row.stage}/${row.reason} ${row.records}`),
		["decode/empty_value 1", "decode/null_value 1", "decode/utf8 1", "validate/it's 1"],
	);
	t.ok(Math.abs(rows.reduce((sum, row) => sum + row.share_percent, 0) - 100) < 0.001);
});

t.test(
	"lag shows every partition, also one that has stored nothing or holds an impossible timestamp",
	async (t) => {
		const { settings } = await filled(t);
		const { text } = await report("lag", { settings, json: true });
		const rows = text
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		t.match(rows, [
			{
				partition: 0,
				next_offset: 710,
				stored: 600,
				dead_letters: 4,
				gaps: 6,
				epoch: 3,
				newest_event: "2025-06-01 15:14:00+00",
			},
			{ partition: 1, next_offset: 0, claimed_by: null, age_of_last_record_s: null },
			{ partition: 2, next_offset: 0, age_of_last_record_s: null },
		]);
		t.ok(rows[0].age_of_last_record_s > 300 && rows[0].age_of_last_commit_s > 0);
	},
);

t.test("payout risk lists only hours above the ratio, the worst first", async (t) => {
	const { settings } = await filled(t);
	const { text } = await report("payout-risk", { settings, json: true, variables: { ratio: "1" } });
	const rows = text
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.ok(rows.length > 0);
	for (const row of rows)
		t.ok(row.payouts > row.revenue && row.net < 0 && /^payouts (above|without) revenue$/.test(row.risk));
	t.same(
		rows.map((row) => row.net),
		rows.map((row) => row.net).sort((a, b) => a - b),
	);
});

t.test("the table says what it is and lets no control character through", async (t) => {
	const { settings } = await filled(t);
	const { text } = await report("dead-letters", { settings });
	t.match(text, /^Dead letters\n/);
	t.match(text, /4 rows\n$/);
	t.match(text, /two\\x0alines\\x1b\[31m/);
	t.notOk(text.includes("\u001b"));
});

t.test("nothing is written: a report runs in a read-only transaction", async (t) => {
	const { settings, client } = await filled(t);
	await client.query(`CREATE FUNCTION evil() RETURNS bigint LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO ledger (cluster_id, topic) VALUES ('c', 't'); RETURN 1; END $$;
		ALTER VIEW hourly_business_metrics RENAME TO renamed;
		CREATE VIEW hourly_business_metrics AS SELECT *, evil() FROM renamed`);
	await t.rejects(report("hourly", { settings }), { code: "25006" });
});

t.test("an unknown report, variable, zone or number is a usage error, and so are two formats", async (t) => {
	const { settings } = await filled(t);
	await t.rejects(report("weekly", { settings }), {
		name: "UsageError",
		exitCode: 2,
		nextStep: /daily, dead-letters, hourly/,
	});
	await t.rejects(report("../migrations/0001_tables", { settings }), { name: "UsageError", exitCode: 2 });
	await t.rejects(report("hourly", { settings, zone: "Mars/Olympus" }), {
		name: "UsageError",
		exitCode: 2,
		message: /Mars\/Olympus/,
	});
	await t.rejects(report("hourly", { settings, variables: { hours: "many" } }), {
		name: "UsageError",
		exitCode: 2,
		message: /many/,
	});
	await t.rejects(report("hourly", { settings, variables: { days: "1" } }), {
		name: "UsageError",
		exitCode: 2,
		message: /takes no "days"/,
	});
	await t.rejects(report("hourly", { settings, json: true, csv: true }), { name: "UsageError", exitCode: 2 });
	await t.rejects(report("dead-letters", { settings, variables: { limit: "1; DROP TABLE ledger" } }), {
		name: "UsageError",
		exitCode: 2,
	});
});

t.test("a database that was never migrated is named as the reason", async (t) => {
	const { settings } = await createDatabase(t);
	await t.rejects(report("hourly", { settings }), {
		name: "SchemaError",
		exitCode: 78,
		nextStep: /node engine migrate/,
	});
});
