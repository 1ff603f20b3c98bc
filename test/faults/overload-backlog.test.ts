/**
 * More than the engine can take: a backlog that it must read at full speed, all of it one user's, and a Postgres that is
 * slower than what comes in. Memory stays under its limit, the group never thinks it dead, and everything is counted.
 */
import { Kafka, logLevel } from "kafkajs";
import type pg from "pg";
import type { Test } from "tap";
import t from "tap";
import { createSender } from "../../engine/kafka/sender.ts";
import { peakMemoryBytes } from "../../perf/support/process-usage.ts";
import type { EngineProcess } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { setTheStage } from "../support/fault-setting.ts";
import { ticket } from "../support/lottery-event.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { lookAtSnapshot } from "../support/snapshot.ts";
import { type StreamMessage, stream } from "../support/stream.ts";
import type { TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** For a long run: `OVERLOAD_EVENTS=1500000`; then with a longer `TAP_TIMEOUT`. */
const BACKLOG = Number(process.env["OVERLOAD_EVENTS"] || 200_000);
const HOT_EVENTS = BACKLOG / 4;
const PARTITIONS = 4;
/** Of a process with its default settings; threads and code alone take about 150 MB. */
const MEMORY_MB_MAX = 512;
const DRAINED_WITHIN_MS = 200_000;
/** Three at once keep a machine busy; a session must still be shorter than the slow stretch. */
const SESSION = { KAFKA_SESSION_TIMEOUT_MS: "15000" };
const SLOW_MS = 18_000;
/** kafkajs groups the messages of a request in quadratic time. */
const MESSAGES_PER_SEND = 2_000;

t.jobs = 3;

t.test(
	"a backlog is read at full speed within the memory limit, and the group hears from it all the time",
	async (t) => {
		const stage = await setTheStage(t, { partitions: PARTITIONS, messages: () => [] });
		// Only good lines: then what they say can be added up by a plain search.
		const messages = stream(stage.random.below(2 ** 31), BACKLOG, { badRatio: 0, users: 20_000, hours: 24 });
		await fill(stage.topic, messages);
		const engine = await stage.start({ label: "drain", env: SESSION });
		await expectDrained(t, stage.client, engine, messages);
	},
);

t.test("all of it one user's, and so one partition's and one actor's, it is the same", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS, messages: () => [] });
	const user = "hot";
	const messages = Array.from({ length: HOT_EVENTS }, (_, i): StreamMessage => {
		const value = ticket({ user, session: i % 50, amount: ((i % 997) + 1) / 100 });
		return { key: Buffer.from(user), value: Buffer.from(value) };
	});
	await fill(stage.topic, messages);
	const engine = await stage.start({ label: "hot", env: SESSION });
	await expectDrained(t, stage.client, engine, messages);
});

t.test(
	"while Postgres is slower than what comes in, Kafka waits; when it is fast again, lag drains",
	async (t) => {
		const perSecond = 5_000;
		const stage = await setTheStage(t, {
			partitions: PARTITIONS,
			perSecond,
			// A kilobyte each: what may be in flight is some thousand rows then, and seconds of work for this Postgres.
			messages: () => Array.from({ length: 4 * perSecond }, (_, i) => largeMessage(i)),
		});
		// Two milliseconds a row: a tenth of what comes in.
		await stage.client.query(`
		CREATE TABLE slowness (seconds_per_row float8);
		INSERT INTO slowness VALUES (0.002);
		CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM pg_sleep(seconds_per_row) FROM slowness; RETURN NEW; END $$;
		CREATE TRIGGER be_slow BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION be_slow()`);
		const engine = await stage.start({
			label: "slow",
			env: { ...SESSION, IN_FLIGHT_MB_MAX: "4", FLUSH_ROWS_MAX: "500" },
		});
		await waitUntil(
			async () => {
				const { partitions } = await engine.status();
				return (
					partitions.length === PARTITIONS && partitions.every((one) => one.pausedReasons.includes("flush"))
				);
			},
			{ what: "every partition paused, because of what is not flushed" },
		);
		const before = await engine.status();
		const sinceMs = performance.now();
		await waitUntil(
			async () => {
				const { flush } = await engine.status();
				return flush.commits > before.flush.commits && performance.now() - sinceMs > SLOW_MS;
			},
			{ what: "slow commits, for longer than a session" },
		);
		// It is behind, and it works; a single flush may take longer than it should.
		await engine.ready();
		const { credit, totals } = await engine.status();
		t.ok(credit.setBytes < 2 * credit.setBytesMax, `${credit.setBytes} bytes in sets`);
		t.match(totals, { rebalances: before.totals.rebalances, recoveries: 0 });
		await stage.client.query("DELETE FROM slowness");
		await stage.producer.done;
		await untilCounted(stage.client, stage.producer.sent, { deadlineMs: DRAINED_WITHIN_MS });
		await stage.expectExact();
		await isWell(t, engine);
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);

function largeMessage(i: number): StreamMessage {
	const user = `user_${i % 100}`;
	const value = ticket({
		user,
		session: i % 500,
		amount: ((i % 997) + 1) / 100,
		extra: { note: "x".repeat(900) },
	});
	return { key: Buffer.from(user), value: Buffer.from(value) };
}

/** As fast as one producer can. */
async function fill({ name, brokers }: TestTopic, messages: readonly StreamMessage[]): Promise<void> {
	const kafka = new Kafka({ clientId: "test-producer", brokers: [...brokers], logLevel: logLevel.NOTHING });
	const sender = createSender(kafka, name);
	for (let from = 0; from < messages.length; from += MESSAGES_PER_SEND) {
		await sender.send(messages.slice(from, from + MESSAGES_PER_SEND));
	}
	await sender.disconnect();
}

async function expectDrained(
	t: Test,
	client: pg.Client,
	engine: EngineProcess,
	messages: readonly StreamMessage[],
): Promise<void> {
	await untilCounted(client, messages.length, { deadlineMs: DRAINED_WITHIN_MS });
	await isWell(t, engine);
	const { violations, counted } = await lookAtSnapshot(client);
	t.same(violations, [], "conserved, each offset once, and every hour is what its events say");
	t.equal(counted, messages.length);
	t.same(await totalsIn(client), totalsOf(messages), "and the sums over all are those of what was sent");
	t.same(await engine.stop(), { code: 0, signal: null });
}

/** Caught up, ready, never put out of the group, never recovered, and never too large. */
async function isWell(t: Test, engine: EngineProcess): Promise<void> {
	await untilCaughtUp(engine);
	await engine.ready();
	t.match((await engine.status()).totals, { rebalances: 1, recoveries: 0 });
	const peakMb = Math.round((peakMemoryBytes(engine.pid) ?? Number.NaN) / 2 ** 20);
	t.ok(peakMb < MEMORY_MB_MAX, `at most ${peakMb} MB of memory`);
}

interface Totals {
	readonly revenue_cents: string;
	readonly payout_cents: string;
	readonly tickets: string;
	readonly logins: string;
}

async function totalsIn(client: pg.Client): Promise<Totals> {
	const { rows } = await client.query<Totals>(
		`SELECT (sum(total_revenue) * 100)::bigint::text AS revenue_cents, (sum(total_payouts) * 100)::bigint::text AS payout_cents,
			sum(ticket_count)::text AS tickets, sum(total_logins)::text AS logins FROM hourly_business_metrics`,
	);
	return rows[0]!;
}

/** By a search for words: nothing of the engine's. */
function totalsOf(messages: readonly StreamMessage[]): Totals {
	let revenueCents = 0;
	let payoutCents = 0;
	let tickets = 0;
	let logins = 0;
	for (const { value } of messages) {
		const text = value.toString("latin1");
		const cents = Math.round(Number(/"amount":([0-9.]+)/.exec(text)?.[1] ?? 0) * 100);
		if (text.includes('"ticket_purchased"')) {
			tickets++;
			revenueCents += cents;
		} else if (text.includes('"claim_reward"')) payoutCents += cents;
		else if (text.includes('"login"')) logins++;
	}
	return {
		revenue_cents: String(revenueCents),
		payout_cents: String(payoutCents),
		tickets: String(tickets),
		logins: String(logins),
	};
}
