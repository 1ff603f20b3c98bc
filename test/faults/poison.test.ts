/**
 * Step 10: what Postgres alone refuses becomes the dead letter `pg_value`, its neighbours are stored. No event is known
 * that passes the schema and is refused, so the database is given a rule of its own.
 */
import t from "tap";
import { connect } from "../../engine/sink/connect.ts";
import { findRefusedRow } from "../../engine/sink/find-refused-row.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { RowEncoder } from "../../workers/copy-rows.ts";
import { createDatabase } from "../support/database.ts";
import { foldedEvent } from "../support/event-fields.ts";
import { setTheStage } from "../support/fault-setting.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { stream } from "../support/stream.ts";
import type { SentMessage } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const MESSAGES = 6_000;
/** Places in the stream: the first, neighbours, and the last. */
const POISON_AT = [0, 1_700, 1_701, 3_000, MESSAGES - 1];

function withPoison(seed: number) {
	const messages = [...stream(seed, MESSAGES)];
	for (const [i, at] of POISON_AT.entries()) {
		const value = `{"event_type":"login","event_time":"2025-06-01T12:00:00","payload":{"user_id":"poison${i}","session_id":${i}}}`;
		messages[at] = { key: Buffer.from(`poison${i}`), value: Buffer.from(value) };
	}
	return messages;
}

function poisonIn(messages: readonly SentMessage[]): ReadonlyMap<string, "pg_value"> {
	const bad = messages.filter(({ key }) => key?.toString().startsWith("poison"));
	return new Map(bad.map(({ partition, offset }) => [`${partition}/${offset}`, "pg_value"]));
}

t.test("events that Postgres alone refuses become dead letters, and all others are stored", async (t) => {
	const stage = await setTheStage(t, { perSecond: 3_000, messages: withPoison });
	await stage.client.query("ALTER TABLE events ADD CONSTRAINT no_poison CHECK (user_id NOT LIKE 'poison%')");
	const engine = await stage.start();
	await stage.producer.done;
	await stage.expectExact((messages) => ({ condemned: poisonIn(messages) }));
	const { rows } = await stage.client.query<{ detail: string }>(
		"SELECT DISTINCT detail FROM dead_letters WHERE reason = 'pg_value'",
	);
	t.equal(rows.length, 1);
	t.match(rows[0]?.detail, /^23514: .*no_poison/);
	const metrics = await engine.metrics();
	t.equal(metricValue(metrics, "engine_recoveries_total", { reason: "poison" }), POISON_AT.length);
	t.equal(
		metricValue(metrics, "engine_dlq_records_total", { stage: "store", reason: "pg_value" }),
		POISON_AT.length,
	);
	const told = engine.log.filter(({ msg }) =>
		/Postgres refuses the event at offset \d+ of partition \d+/.test(msg),
	);
	t.equal(told.length, POISON_AT.length, "one line for each");
	await waitUntil(async () => (await engine.get("/readyz")).status === 200, { what: "readiness" });
	t.same(await engine.stop(), { code: 0, signal: null });
});

t.test("a rule that no record is to blame for is waited out: nothing becomes a dead letter", async (t) => {
	const stage = await setTheStage(t, {
		perSecond: 500,
		messages: (seed) => stream(seed, 1_000, { badRatio: 0 }),
	});
	await stage.client.query(`
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE 'not today' USING ERRCODE = '23000'; END $$;
		CREATE TRIGGER refuse AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse()`);
	const engine = await stage.start();
	await waitUntil(async () => (await engine.status()).flush.failures >= 3, { what: "three refusals" });
	t.not((await engine.get("/readyz")).status, 200);
	await stage.client.query("DROP TRIGGER refuse ON events");
	await stage.producer.done;
	await stage.expectExact();
	t.same((await engine.status()).totals.deadLetters, 0);
});

t.test("a refused row is found by halves when Postgres does not name its line", async (t) => {
	const { settings, client } = await createDatabase(t);
	await migrate(settings);
	await client.query("ALTER TABLE events ADD CONSTRAINT no_poison CHECK (user_id <> 'poison')");
	const open = () => connect(settings, { applicationName: "test" });
	for (const [rows, poisoned, found] of [
		[1, [0], 0],
		[9, [8], 8],
		[100, [37, 80], 37],
		[50, [], null],
	] as const) {
		const encoder = new RowEncoder(7);
		for (let i = 0; i < rows; i++) {
			const isPoison = (poisoned as readonly number[]).includes(i);
			const userId = isPoison ? "poison" : `user ${i}`;
			encoder.add(
				foldedEvent({ typeIndex: 0, seconds: 1_750_000_000, micros: 0, userId, sessionId: i, cents: -1 }),
				1_000 + i,
			);
		}
		const place = await findRefusedRow(encoder.take(), open);
		t.same(place, found === null ? null : { partition: 7, offset: 1_000 + found }, `${poisoned} of ${rows}`);
	}
});
