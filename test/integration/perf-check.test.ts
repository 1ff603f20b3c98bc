import pg from "pg";
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { createRunDatabase } from "../../perf/support/database.ts";
import { createDatabase } from "../support/database.ts";

const EVENTS = `INSERT INTO events (event_time, event_type, user_id, session_id, amount, kafka_partition, kafka_offset)`;

/** Two events and a dead letter, exactly as an engine would have left them. */
const RIGHT = [
	`${EVENTS} VALUES ('2025-06-01T10:05Z', 'ticket_purchased', 'a', 1, 5.50, 0, 0), ('2025-06-01T10:06Z', 'login', 'b', 2, null, 0, 1)`,
	`INSERT INTO dead_letters (topic, kafka_partition, kafka_offset, stage, reason) VALUES ('t', 0, 2, 'decode', 'json')`,
	`INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset, stored_count, dead_letter_count) VALUES ('t', 0, 0, 3, 2, 1)`,
	`INSERT INTO hourly_totals (hour, revenue, ticket_count, logins, events, active_users, new_sessions) VALUES ('2025-06-01T10:00Z', 5.50, 1, 1, 2, 2, 1)`,
];

t.test("a load scenario's check finds whatever an engine could have done wrong", async (t) => {
	const { settings } = await createDatabase(t);
	const { host, port, user, password } = settings;
	const serverUrl = `postgres://${user}:${encodeURIComponent(password ?? "")}@${host}:${port}/${settings.database}`;
	const name = `${settings.database}_run`;
	const database = await createRunDatabase(serverUrl, name);
	t.teardown(() => database.remove());
	const own = { ...settings, database: name };
	await migrate(own);
	const client = new pg.Client(own);
	client.on("error", () => {});
	await client.connect();
	t.teardown(() => client.end());
	for (const statement of RIGHT) await client.query(statement);
	t.strictSame(await database.check(3), [], "nothing is wrong");
	t.strictSame(
		await database.check({ sent: 3, deadLetters: 1 }),
		[],
		"also when the dead letters are counted",
	);
	t.match(await database.check({ sent: 3, deadLetters: 0 }), ["dead letters: 1, but should be 0"]);

	const wrongs: Record<string, [string, RegExp]> = {
		"a lost event": [
			"DELETE FROM events WHERE kafka_offset = 1",
			/events and dead letters together: 2, but should be 3/,
		],
		"a lost dead letter": [
			"DELETE FROM dead_letters",
			/dead letters the offset rows count: 1, but should be 0/,
		],
		"a doubled event": [
			`${EVENTS} SELECT event_time, event_type, user_id, session_id, amount, kafka_partition, kafka_offset FROM events LIMIT 1`,
			/stored more than once: 1/,
		],
		"offsets that did not move": [
			"UPDATE source_offsets SET next_offset = 2, stored_count = 1",
			/offsets the offset rows count: 2, but should be 3/,
		],
		"wrong money": ["UPDATE hourly_totals SET revenue = 5.49", /hours that differ/],
		"a wrong count of users": ["UPDATE hourly_totals SET active_users = 3", /hours that differ/],
		"an hour too few": ["DELETE FROM hourly_totals", /hours that differ/],
		"an hour too many": [
			"INSERT INTO hourly_totals (hour, events) VALUES ('2025-06-01T11:00Z', 1)",
			/hours that differ/,
		],
	};
	for (const [what, [statement, message]] of Object.entries(wrongs)) {
		await client.query(`CREATE TABLE kept_events AS TABLE events; CREATE TABLE kept_letters AS TABLE dead_letters;
			CREATE TABLE kept_offsets AS TABLE source_offsets; CREATE TABLE kept_hours AS TABLE hourly_totals`);
		await client.query(statement);
		t.match((await database.check(3)).join("\n"), message, what);
		await client.query(`TRUNCATE events, dead_letters, source_offsets, hourly_totals;
			INSERT INTO events TABLE kept_events; INSERT INTO dead_letters TABLE kept_letters;
			INSERT INTO source_offsets TABLE kept_offsets; INSERT INTO hourly_totals TABLE kept_hours;
			DROP TABLE kept_events, kept_letters, kept_offsets, kept_hours`);
	}
	t.strictSame(await database.check(3), [], "and again nothing is");
});
