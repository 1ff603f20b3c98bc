/** A real Prometheus with our rules, a real engine, and a Kafka that is taken away: what an operator would see. */
import { Kafka, logLevel } from "kafkajs";
import t from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { engineAlerts, startPrometheus } from "../monitoring/prometheus/prometheus-server.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { ownKafka } from "../support/own-parts.ts";
import { waitUntil } from "../support/wait-until.ts";

const FOR_SECONDS = 4;
/** An operator's patience. */
const SEEN_WITHIN_MS = 30_000;

t.test("Kafka is taken away: the engine is said not to be ready, until it is back", async (t) => {
	const kafka = await ownKafka(t);
	const topic = { name: "alerts-kafka", brokers: kafka.at.brokers };
	const admin = new Kafka({ clientId: "test", brokers: topic.brokers, logLevel: logLevel.NOTHING }).admin();
	await admin.connect();
	await createTopicAndWait(admin, { topic: topic.name, numPartitions: 2 });
	await admin.disconnect();
	const engine = await startEngine(t, { topic, database: await createDatabase(t) });
	await engine.ready();
	const prometheus = await startPrometheus(t, {
		targets: [new URL(engine.url).host],
		forSeconds: FOR_SECONDS,
	});
	await waitUntil(async () => (await prometheus.query("engine_ready == 1")).length, { what: "a scrape" });
	t.notOk((await engineAlerts(prometheus)).includes("EngineNotReady"));

	await kafka.stop("crash");
	const awayAtMs = performance.now();
	await waitUntil(async () => (await engineAlerts(prometheus)).includes("EngineNotReady"), {
		what: "EngineNotReady to be pending",
		deadlineMs: SEEN_WITHIN_MS,
	});
	t.comment(`seen ${Math.round((performance.now() - awayAtMs) / 1000)} s after Kafka was gone`);
	await waitUntil(async () => (await engineAlerts(prometheus, "firing")).includes("EngineNotReady"), {
		what: "EngineNotReady to fire",
	});
	t.match(
		JSON.parse((await engine.get("/readyz")).body).reasons.join(),
		/Kafka/,
		"the runbook's first look says why",
	);
	t.notOk((await engineAlerts(prometheus)).includes("EngineFlushFailing"), "and Postgres is not blamed");
	const [age] = await prometheus.query(
		"time() - min by (instance) (engine_high_watermark_poll_timestamp_seconds)",
	);
	t.ok(age!.value >= FOR_SECONDS, "the lag on the screen is known to be old");

	await kafka.startAgain();
	await waitUntil(async () => !(await engineAlerts(prometheus)).includes("EngineNotReady"), {
		what: "the end of EngineNotReady",
	});
	t.same(await engine.stop(), { code: 0, signal: null });
});
