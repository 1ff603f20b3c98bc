/** Events that come long after their hour, and events that come before it. */
import t from "tap";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, send } from "../support/topic.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A whole number of days before any machine that runs this. */
const RECORD_MS = Date.UTC(2025, 5, 15, 12);

/** An event `aheadMs` and `micros` from its record, whose timestamp is `recordMs`. */
function apart(aheadMs: number, micros = 0, recordMs = RECORD_MS): OutgoingMessage {
	const iso = new Date(recordMs + aheadMs).toISOString();
	return {
		value: ticket({ time: iso.replace("Z", `${String(micros).padStart(3, "0")}Z`) }),
		timestampMs: recordMs,
	};
}

t.test("an event late by months corrects its hour, its day and the 24 hours after it", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	await startEngine(t, { topic, database });
	const onTime = await send(
		topic,
		["2025-02-27T23", "2025-02-28T09", "2025-02-28T22", "2025-03-01T10", "2025-06-15T11"].map((hour, i) => ({
			key: `user_${i}`,
			value: ticket({ time: `${hour}:15:00Z`, user: `user_${i}`, amount: 10 }),
			timestampMs: Date.parse(`${hour}:15:00Z`),
		})),
	);
	await untilCounted(database.client, onTime.length);
	await expectTables(t, database.client, oracle(onTime));
	const hour = async () => {
		const { rows } = await database.client.query(
			`SELECT total_revenue::float8, active_users::int, updated_at::text
			FROM hourly_business_metrics WHERE hour = '2025-02-28T09:00Z'`,
		);
		return rows[0];
	};
	const before = await hour();
	t.match(before, { total_revenue: 10, active_users: 1 });

	// A known user, a new one, an hour that had nothing, a day that had nothing.
	const late = await send(
		topic,
		[
			ticket({ time: "2025-02-28T09:59:59.999999Z", user: "user_1", amount: 0.01 }),
			lotteryEvent({ time: "2025-02-28T09:00:00Z", user: "late", session: 77 }),
			lotteryEvent({ type: "claim_reward", time: "2025-02-28T03:00:00Z", user: "late", amount: 5 }),
			ticket({ time: "2024-12-24T20:00:00Z", user: "user_3", amount: 99.99 }),
		].map((value) => ({ value, timestampMs: RECORD_MS })),
	);
	const all = [...onTime, ...late];
	await untilCounted(database.client, all.length);
	await expectTables(t, database.client, oracle(all));
	const after = await hour();
	t.match(after, { total_revenue: 10.01, active_users: 2 });
	t.not(after.updated_at, before.updated_at, "the hour says that it changed");
	const { rows } = await database.client.query(
		"SELECT total_revenue::text AS revenue, active_users::int AS users FROM daily_event_summary WHERE date = '2025-02-28'",
	);
	t.same(rows, [{ revenue: "20.01", users: 3 }], "so does its day");
	const dead = await database.client.query("SELECT FROM dead_letters");
	t.equal(dead.rowCount, 0, "nothing was refused");
});

t.test(
	"with LATE_POLICY=dead-letter only events more than LATE_AFTER behind their record are refused",
	async (t) => {
		const database = await createDatabase(t);
		const topic = await createTopic(t, { partitions: 1 });
		await startEngine(t, { topic, database, env: { LATE_POLICY: "dead-letter", LATE_AFTER: "90m" } });
		const limitMs = 1.5 * HOUR_MS;
		const refused = [apart(-limitMs - 1), apart(-limitMs - 1, 0), apart(-90 * DAY_MS)];
		const welcome = [apart(-limitMs), apart(-limitMs, 1), apart(-limitMs + 1), apart(0), apart(DAY_MS)];
		const messages = await send(topic, [...welcome, ...refused, ...welcome]);
		await untilCounted(database.client, messages.length);
		const rules = { latePolicy: "dead-letter", lateAfterMs: limitMs } as const;
		await expectTables(t, database.client, oracle(messages, rules));
		const { rows } = await database.client.query(
			"SELECT stage, reason, pointer, count(*)::int FROM dead_letters GROUP BY 1, 2, 3",
		);
		t.same(rows, [{ stage: "time", reason: "late_event", pointer: "/event_time", count: refused.length }]);
	},
);

t.test("an event is in the future by the timestamp of its record, not by the clock", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	await startEngine(t, { topic, database });
	const farAheadMs = Date.UTC(2150, 0, 1);
	const farBackMs = Date.UTC(2001, 0, 1);
	const welcome = [
		apart(DAY_MS),
		apart(0),
		// Both clocks are far ahead of ours, and agree.
		apart(0, 0, farAheadMs),
		apart(DAY_MS, 0, farAheadMs),
		// Before 1970 nothing can be told: the record has no timestamp.
		{ value: ticket({ time: "2400-01-01T00:00:00Z" }), timestampMs: -1 },
	];
	const refused = [
		apart(DAY_MS, 1),
		apart(DAY_MS + 1),
		apart(400 * DAY_MS),
		// In our past, and still in the future of its record.
		apart(20 * 365 * DAY_MS, 0, farBackMs),
	];
	const messages = await send(topic, [...welcome, ...refused, ...welcome]);
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
	const { rows } = await database.client.query(
		"SELECT stage, reason, pointer, count(*)::int FROM dead_letters GROUP BY 1, 2, 3",
	);
	t.same(rows, [{ stage: "time", reason: "future_event", pointer: "/event_time", count: refused.length }]);
});

t.test("FUTURE_SKEW moves the limit", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	await startEngine(t, { topic, database, env: { FUTURE_SKEW: "5s" } });
	const messages = await send(topic, [apart(5_000), apart(5_000, 1), apart(DAY_MS), apart(0)]);
	await untilCounted(database.client, messages.length);
	const expected = oracle(messages, { futureSkewMs: 5_000 });
	t.equal(expected.deadLetters.length, 2);
	await expectTables(t, database.client, expected);
});
