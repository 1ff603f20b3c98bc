/**
 * SIGTERM in each step of a transaction, and with Kafka or Postgres away; a second signal while it waits. What was read is
 * committed or said to be left, and the exit code tells which.
 */
import { Kafka, logLevel } from "kafkajs";
import type { Test } from "tap";
import t from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { createDatabase } from "../support/database.ts";
import { type EngineProcess, startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { type FaultSetting, SHORT_SESSION, setTheStage } from "../support/fault-setting.ts";
import { holdStep, prepareHolds, type Step } from "../support/hold-step.ts";
import { ownKafka } from "../support/own-parts.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";

const STEPS: readonly Step[] = ["claim", "move offsets", "COPY events", "users", "hours", "COMMIT"];
const LEFT = /^[1-9]\d* records were read and not committed; the next start reads them again$/;
const SHUTDOWN_S = 3;
/** Leaving the group and closing have deadlines of their own, 2 s and 15 s behind the one of the last commit. */
const GONE_WITHIN_MS = (SHUTDOWN_S + 2 + 15) * 1_000;

t.jobs = 4;

t.test("SIGTERM in any step ends with the step done, nothing left over, and exit 0", async (t) => {
	const stage = await setTheStage(t, { partitions: 2, perSecond: 500 });
	await prepareHolds(stage.client);
	let started = 0;
	for (const step of STEPS) {
		const engine = await stage.start({
			label: `stopped in ${step}`,
			groupId: `${stage.topic.name}-${++started}`,
			env: { ACTORS: "1" },
		});
		if (step !== "claim") await waitUntil(async () => (await engine.status()).totals.stored > 0);
		// An engine that has just started has not claimed yet, or is held at the next claim: of its recovery.
		const held = await holdStep(stage.client, step, engine.pid);
		if (step === "claim") await loseConnections(stage, engine);
		await held.reached();
		engine.kill("SIGTERM");
		if (step === "claim") {
			// Nothing is in its hands: it waits for no answer. What a recovery had dropped just before, it tells.
			const { code } = await engine.exited;
			const left = engine.log.find(({ msg }) => LEFT.test(msg));
			t.equal(code, left === undefined ? 0 : 1, `${step}: exit ${code}, and ${left?.msg ?? "nothing left"}`);
			await held.release();
			continue;
		}
		await waitUntil(async () => (await engine.status()).state === "stopping");
		t.equal((await engine.get("/readyz")).status, 503, `${step}: it is not ready from then on`);
		await held.release();
		t.same(await engine.exited, { code: 0, signal: null }, `${step}: what was read is committed`);
	}
	const next = await stage.start({ label: "next", groupId: `${stage.topic.name}-next` });
	await stage.expectExact();
	t.same(await next.stop(), { code: 0, signal: null });
});

t.test(
	"with Postgres out of reach it gives up at its deadline, exits 1, and says how much is left",
	async (t) => {
		const stage = await setTheStage(t, { partitions: 2, perSecond: 500 });
		const { settings } = stage.database;
		const proxy = await startProxy(t, settings.port);
		const engine = await stage.start({
			label: "cut off",
			env: { SHUTDOWN_TIMEOUT_S: String(SHUTDOWN_S) },
			database: { settings: { ...settings, port: proxy.port } },
		});
		await waitUntil(async () => (await engine.status()).totals.stored > 0);
		proxy.freeze();
		await waitUntil(async () => (await engine.status()).sets.waiting !== null, { what: "sets that pile up" });
		await endsWithinDeadline(t, engine, 1);
		t.match(
			engine.log.find(({ msg }) => LEFT.test(msg)),
			{ level: "error" },
		);
		await goOn(t, stage);
	},
);

t.test("a second Ctrl-C ends it at once, exit 1, and says how much is left", async (t) => {
	const stage = await setTheStage(t, { partitions: 2, perSecond: 500 });
	await prepareHolds(stage.client);
	const engine = await stage.start({ label: "impatient", env: { SHUTDOWN_TIMEOUT_S: "600" } });
	await waitUntil(async () => (await engine.status()).totals.stored > 0);
	const held = await holdStep(stage.client, "COMMIT", engine.pid);
	await held.reached();
	await waitUntil(async () => (await engine.status()).sets.waiting !== null);
	engine.kill("SIGINT");
	await waitUntil(async () => (await engine.status()).state === "stopping");
	engine.kill("SIGINT");
	t.same(await engine.exited, { code: 1, signal: null });
	t.match(engine.log.at(-1), {
		level: "error",
		msg: /^second SIGINT: ending at once; [1-9]\d* records were read and not committed; the next start reads them again$/,
	});
	await held.release();
	await goOn(t, stage);
});

t.test("with Kafka away the last commit is made, and it exits 0 in time", async (t) => {
	const kafka = await ownKafka(t);
	const seed = chooseSeed(t);
	const database = await createDatabase(t);
	const topic = { name: "kafka-away-at-stop", brokers: kafka.at.brokers };
	const admin = new Kafka({ clientId: "test", brokers: topic.brokers, logLevel: logLevel.NOTHING }).admin();
	await admin.connect();
	await createTopicAndWait(admin, { topic: topic.name, numPartitions: 2 });
	await admin.disconnect();
	const messages = stream(seed, 2_000);
	await startProducer(t, topic, messages, 20_000).done;
	const start = (label: string) =>
		startEngine(t, {
			topic,
			database,
			label,
			env: { ...SHORT_SESSION, SHUTDOWN_TIMEOUT_S: String(SHUTDOWN_S), FLUSH_INTERVAL_MS: "60000" },
		});
	const engine = await start("alone");
	await waitUntil(async () => (await engine.status()).sets.open?.records === messages.length, {
		what: "one open set with all there is",
		everyMs: 10,
	});
	await kafka.stop("crash");
	await endsWithinDeadline(t, engine, 0);
	t.equal(await countedIn(database.client), messages.length, "what was read is stored");
	await kafka.startAgain();
	const next = await start("next");
	await untilCaughtUp(next);
	await next.ready();
	await expectExact(t, database.client, topic, messages);
	t.same(await next.stop(), { code: 0, signal: null });
});

/** A recovery begins, and with it a claim. */
async function loseConnections({ client }: FaultSetting, { pid }: EngineProcess): Promise<void> {
	await client.query(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND position($1 IN application_name) > 0`,
		[`:${pid}:`],
	);
}

async function endsWithinDeadline(t: Test, engine: EngineProcess, code: number): Promise<void> {
	const sinceMs = performance.now();
	engine.kill("SIGTERM");
	t.same(await engine.exited, { code, signal: null });
	const tookMs = Math.round(performance.now() - sinceMs);
	t.ok(tookMs < GONE_WITHIN_MS, `gone ${tookMs} ms after the signal`);
}

async function goOn(t: Test, stage: FaultSetting): Promise<void> {
	const next = await stage.start({ label: "next", groupId: `${stage.topic.name}-next` });
	await untilCaughtUp(next);
	await next.ready();
	await stage.expectExact();
	t.same(await next.stop(), { code: 0, signal: null });
}
