/** A real engine under a steady flow, watched by a real Prometheus, with something of everything that a dashboard shows. */
import pg from "pg";
import type { Test } from "tap";
import { startPrometheus } from "../monitoring/prometheus/prometheus-server.ts";
import { startEngine } from "./engine-process.ts";
import { lotteryEvent } from "./lottery-event.ts";
import { ownPostgres } from "./own-parts.ts";
import { chooseSeed, startProducer, stream } from "./stream.ts";
import { createTopic, send } from "./topic.ts";
import { waitUntil } from "./wait-until.ts";

const PER_SECOND = 200;
const HOUR_MS = 3_600_000;

/** Two kinds of dead letters, late events, an hour that paid out more than it took. */
export const ODD = oddMessages();

function oddMessages() {
	const hoursAgo = (hours: number) =>
		new Date(Math.floor(Date.now() / HOUR_MS - hours) * HOUR_MS).toISOString().slice(0, 19);
	const old = { time: hoursAgo(5), user: "late", session: 7 };
	const values = [
		"{",
		lotteryEvent({ type: "nonsense" }),
		lotteryEvent(old),
		lotteryEvent({ ...old, type: "claim_reward", amount: 500 }),
		lotteryEvent({ ...old, type: "ticket_purchased", amount: 100 }),
		lotteryEvent({ ...old, time: hoursAgo(30), type: "ticket_purchased", amount: 10 }),
	];
	return values.map((value) => ({ value, key: "late" }));
}

/** An engine with traffic and a Postgres of its own, a Prometheus that watches it, and a login of the role `reporter`. */
export async function startWatchedEngine(test: Test) {
	const seed = chooseSeed(test);
	const postgres = await ownPostgres(test);
	const { host, port, user, password, database } = postgres.at;
	const settings = { host, port, user, password, database, ssl: false as const };
	const topic = await createTopic(test, { partitions: 2 });
	const startSeconds = Math.floor(Date.now() / 1000) - 1_800;
	const messages = stream(seed, 100_000, { startSeconds, hours: 1, badRatio: 0, lateRatio: 0 });
	const producer = startProducer(test, topic, messages, PER_SECOND);
	const engine = await startEngine(test, { topic, database: { settings } });
	await waitUntil(async () => (await engine.status()).totals.stored > PER_SECOND, {
		what: "the first events",
	});
	const prometheus = await startPrometheus(test, { targets: [new URL(engine.url).host], forSeconds: null });
	// A rate sees a counter's increment only when it was scraped before.
	await waitUntil(async () => (await prometheus.query("engine_ready")).length, { what: "a first scrape" });
	await send(topic, ODD);

	const owner = new pg.Client(settings);
	await owner.connect();
	// As containers/reporter-login.sql does.
	await owner.query("ALTER ROLE reporter LOGIN PASSWORD 'x'");
	await owner.end();
	return {
		postgres,
		engine,
		producer,
		prometheus,
		reporter: { ...settings, user: "reporter", password: "x" },
	};
}
