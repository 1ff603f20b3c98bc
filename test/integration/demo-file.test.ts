/** The sample file through the real parts, line by line as it is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, send } from "../support/topic.ts";

const data = (name: string): Buffer => readFileSync(join(packageRoot(), "data", name));

/** Split at line feeds, as data/README.md says; a Windows line end stays in its line. */
function linesOf(file: Buffer): Buffer[] {
	const lines: Buffer[] = [];
	let start = 0;
	for (let end = file.indexOf(10); end >= 0; end = file.indexOf(10, start)) {
		lines.push(file.subarray(start, end));
		start = end + 1;
	}
	if (start < file.length) lines.push(file.subarray(start));
	return lines;
}

/** `- \`name\` 12:` of data/README.md. */
function promisedCounts(): Map<string, number> {
	const matches = data("README.md")
		.toString()
		.matchAll(/^- `(\w+)` (\d+):/gm);
	return new Map([...matches].map(([, name, count]) => [name!, Number(count)]));
}

t.test("the sample file sent as it is leads to the known hourly table and the promised counts", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 4 });
	await startEngine(t, { topic, database });
	const lines = linesOf(data("events.jsonl"));
	const messages = await send(
		topic,
		lines.map((value): OutgoingMessage => ({ value })),
	);
	await untilCounted(database.client, messages.length);

	const { rows: hours } = await database.client.query(
		`SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') AS hour, total_revenue::text,
			ticket_count::int, total_payouts::text, payout_events::int, active_users::int, new_sessions::int,
			total_logins::int
		FROM hourly_business_metrics ORDER BY hour`,
	);
	t.same(hours, JSON.parse(data("expected-hourly.json").toString()), "the hourly table");

	const counts = promisedCounts();
	t.equal(messages.length, counts.get("lines"), "lines");
	const { rows } = await database.client.query<{ reason: string; count: number }>(
		`SELECT reason, count(*)::int AS count FROM dead_letters GROUP BY reason
		UNION ALL SELECT 'valid', count(*)::int FROM events UNION ALL SELECT 'lines', ${messages.length}`,
	);
	t.same(
		Object.fromEntries(rows.map(({ reason, count }) => [reason, count])),
		Object.fromEntries(counts),
		"stored and dead letters by reason",
	);
	await expectTables(t, database.client, oracle(messages));
});
