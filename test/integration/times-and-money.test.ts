/** Moments and amounts at every edge of the contract, as Postgres has them in the end. */
import t from "tap";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, send } from "../support/topic.ts";

/** As written, what Postgres has (to_char in UTC), and the start of the hour. */
type Moment = readonly [written: string, stored: string, hour: string];

const MOMENTS: readonly Moment[] = [
	["2025-06-01T15:14:00", "2025-06-01 15:14:00.000000", "2025-06-01 15"],
	["2025-06-01T15:59:59.9999999", "2025-06-01 15:59:59.999999", "2025-06-01 15"],
	["2025-06-01T15:59:59.999999999Z", "2025-06-01 15:59:59.999999", "2025-06-01 15"],
	["2025-06-01T16:00:00.0000009Z", "2025-06-01 16:00:00.000000", "2025-06-01 16"],
	["2025-06-01T15:00:00.1", "2025-06-01 15:00:00.100000", "2025-06-01 15"],
	["2025-06-01T15:00:00.000001", "2025-06-01 15:00:00.000001", "2025-06-01 15"],
	["2025-12-31T23:59:59.9999999+00:00", "2025-12-31 23:59:59.999999", "2025-12-31 23"],
	["2025-06-01T00:30:00+02:00", "2025-05-31 22:30:00.000000", "2025-05-31 22"],
	["2025-06-01T23:30:00-02:00", "2025-06-02 01:30:00.000000", "2025-06-02 01"],
	["2025-06-01T12:10:00+05:30", "2025-06-01 06:40:00.000000", "2025-06-01 06"],
	["2025-06-01T12:10:00-03:45", "2025-06-01 15:55:00.000000", "2025-06-01 15"],
	["2025-06-01T12:00:00+14:00", "2025-05-31 22:00:00.000000", "2025-05-31 22"],
	["2025-06-01T12:00:00-14:00", "2025-06-02 02:00:00.000000", "2025-06-02 02"],
	["2025-06-01T12:00:00-00:00", "2025-06-01 12:00:00.000000", "2025-06-01 12"],
	// Leap days, and the day after a missing one.
	["2024-02-29T23:59:59", "2024-02-29 23:59:59.000000", "2024-02-29 23"],
	["2000-02-29T12:00:00", "2000-02-29 12:00:00.000000", "2000-02-29 12"],
	["2024-02-29T23:30:00-01:00", "2024-03-01 00:30:00.000000", "2024-03-01 00"],
	["2100-03-01T00:30:00+01:00", "2100-02-28 23:30:00.000000", "2100-02-28 23"],
	["1972-02-29T00:00:00", "1972-02-29 00:00:00.000000", "1972-02-29 00"],
	// The epoch: hours before it are rounded down, not towards zero.
	["1970-01-01T00:00:00Z", "1970-01-01 00:00:00.000000", "1970-01-01 00"],
	["1970-01-01T00:00:00+14:00", "1969-12-31 10:00:00.000000", "1969-12-31 10"],
	["1970-01-01T00:00:00.000001+00:01", "1969-12-31 23:59:00.000001", "1969-12-31 23"],
	["1970-01-01T00:59:59.999999+01:00", "1969-12-31 23:59:59.999999", "1969-12-31 23"],
	["1970-01-01T00:30:00+02:15", "1969-12-31 22:15:00.000000", "1969-12-31 22"],
	// Where Postgres begins to count, and where 32 bits of seconds end.
	["1999-12-31T23:59:59.999999", "1999-12-31 23:59:59.999999", "1999-12-31 23"],
	["2000-01-01T00:00:00", "2000-01-01 00:00:00.000000", "2000-01-01 00"],
	["2038-01-19T03:14:08", "2038-01-19 03:14:08.000000", "2038-01-19 03"],
	["9999-12-31T23:59:59.999999999", "9999-12-31 23:59:59.999999", "9999-12-31 23"],
	["9999-12-31T00:00:00+00:01", "9999-12-30 23:59:00.000000", "9999-12-30 23"],
	["9999-12-31T23:59:59-14:00", "10000-01-01 13:59:59.000000", "10000-01-01 13"],
];

t.test("every moment is stored to the microsecond and counted in its hour", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	await startEngine(t, { topic, database });
	// Without a timestamp of the record nothing is too far ahead of it.
	const messages = await send(
		topic,
		MOMENTS.map(([time], i): OutgoingMessage => {
			return { value: ticket({ time, user: `user_${i}`, session: i }), timestampMs: -1 };
		}),
	);
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
	const format = (what: string, pattern: string) => `to_char(${what} AT TIME ZONE 'UTC', '${pattern}')`;
	const { rows } = await database.client.query<{ stored: string; hour: string }>(
		`SELECT ${format("e.event_time", "FMYYYY-MM-DD HH24:MI:SS.US")} AS stored,
			${format("h.hour", "FMYYYY-MM-DD HH24")} AS hour
		FROM events e LEFT JOIN hourly_business_metrics h ON h.hour <= e.event_time
			AND h.hour > e.event_time - interval '1 hour'
		ORDER BY e.session_id`,
	);
	t.same(
		rows.map(({ stored, hour }) => `${stored} in ${hour}`),
		MOMENTS.map(([, stored, hour]) => `${stored} in ${hour}`),
	);
});

t.test("neither the time zone nor the habits of machine and database move an event", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	for (const setting of [
		"TimeZone = 'Asia/Kathmandu'",
		"DateStyle = 'German, DMY'",
		"IntervalStyle = 'sql_standard'",
		"extra_float_digits = -15",
		"default_transaction_isolation = 'serializable'",
	]) {
		await database.client.query(`ALTER DATABASE ${database.settings.database} SET ${setting}`);
	}
	await startEngine(t, { topic, database, env: { TZ: "America/St_Johns" } });
	const messages = await send(
		topic,
		// A day whose clocks go forward and one whose clocks go back, both in many places.
		["2025-03-30", "2025-11-02"].flatMap((day) =>
			Array.from({ length: 48 }, (_, i): OutgoingMessage => {
				const time = `${day}T${String(i >> 1).padStart(2, "0")}:${i % 2 === 0 ? "10" : "50"}:00.5`;
				return { value: ticket({ time, user: `user_${i % 5}`, session: i }), timestampMs: -1 };
			}),
		),
	);
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
});

/** As written, and what Postgres has. */
const AMOUNTS: readonly (readonly [written: string, stored: string])[] = [
	["0", "0.00"],
	["0.00", "0.00"],
	["-0", "0.00"],
	["-0.0", "0.00"],
	["0.01", "0.01"],
	["1e-2", "0.01"],
	["0.010000000000000000000", "0.01"],
	["0.1", "0.10"],
	["0.29", "0.29"],
	["0.57", "0.57"],
	["1.005e1", "10.05"],
	["1.1", "1.10"],
	["4.35", "4.35"],
	["12.340", "12.34"],
	["1e2", "100.00"],
	["1E+2", "100.00"],
	["33.33", "33.33"],
	["1234567.89", "1234567.89"],
	["90071992547.41", "90071992547.41"],
	["99999999999.99", "99999999999.99"],
	["549755813888.01", "549755813888.01"],
	["999999999999.98", "999999999999.98"],
	["999999999999.99", "999999999999.99"],
];

t.test("every amount is stored to the cent", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	await startEngine(t, { topic, database });
	const messages = await send(
		topic,
		AMOUNTS.flatMap(([amount], session) => [
			{ value: ticket({ amount, session }) },
			{ value: lotteryEvent({ type: "claim_reward", amount, session }) },
			// Where there is no amount, whatever stands there is ignored.
			{ value: lotteryEvent({ type: "logout", amount, session }) },
			{ value: lotteryEvent({ type: "view_numbers", amount: `{"of":${amount}}`, session }) },
		]),
	);
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
	const { rows } = await database.client.query<{ amounts: string[] }>(
		`SELECT array_agg(amount::text ORDER BY event_type) AS amounts FROM events GROUP BY session_id ORDER BY session_id`,
	);
	t.same(
		rows.map(({ amounts }) => amounts),
		AMOUNTS.map(([, stored]) => [stored, null, stored, null]),
	);
});

t.test("sums beyond 2^53 cents stay exact, whatever the sets they come in", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const env = { FLUSH_INTERVAL_MS: "20", FLUSH_ROWS_MAX: "100", ACTORS: "3" };
	await startEngine(t, { topic, database, env });
	// Every other amount is a cent: in doubles, a sum this large would swallow it.
	const messages = await send(
		topic,
		Array.from({ length: 1200 }, (_, i): OutgoingMessage => {
			const amount = i % 2 === 0 ? "999999999999.99" : "0.01";
			const fields = {
				amount,
				user: `user_${i % 31}`,
				session: i,
				time: `2025-06-01T12:${10 + (i % 50)}:00`,
			};
			const value = i % 3 === 0 ? lotteryEvent({ type: "claim_reward", ...fields }) : ticket(fields);
			return { key: fields.user, value };
		}),
	);
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
	const { rows } = await database.client.query(
		"SELECT total_revenue::text AS revenue, total_payouts::text AS payouts FROM hourly_business_metrics",
	);
	t.same(rows, [{ revenue: "400000000000000.00", payouts: "200000000000000.00" }]);
	t.ok(400_000_000_000_000_00n > 2n ** 53n, "more than a double counts");
});
