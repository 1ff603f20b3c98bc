/** The stage of tests that take Kafka away: as test/support/fault-setting.ts, on brokers that belong to the test. */
import type pg from "pg";
import type { Test } from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { createRandom, type Random } from "../../producer/random.ts";
import { createDatabase } from "./database.ts";
import { type EngineOptions, type EngineProcess, startEngine } from "./engine-process.ts";
import { expectExact } from "./expect-exact.ts";
import { SHORT_SESSION } from "./fault-setting.ts";
import { type KafkaCluster, startKafkaCluster } from "./kafka-cluster.ts";
import { readOffsetHistory, recordOffsetHistory } from "./offset-history.ts";
import { untilCaughtUp } from "./partitions.ts";
import { countedIn } from "./snapshot.ts";
import { chooseSeed, type RunningProducer, startProducer, stream } from "./stream.ts";
import { waitUntil } from "./wait-until.ts";

export interface KafkaStage {
	readonly random: Random;
	readonly kafka: KafkaCluster;
	readonly client: pg.Client;
	readonly topic: { readonly name: string; readonly brokers: readonly string[] };
	readonly producer: RunningProducer;
	start(options?: Partial<EngineOptions>): Promise<EngineProcess>;
	/** Waits until so many more messages are acknowledged, and all that were until then are counted in Postgres. */
	untilFlowing(what: string, messages?: number): Promise<void>;
	/** The end of every such test: exact tables, I1, no lag, nothing paused, ready, and an orderly end of each engine. */
	expectExact(engines: readonly EngineProcess[]): Promise<void>;
}

/** More than a test of four minutes can send. */
const SECONDS_MAX = 240;

export async function setKafkaStage(
	t: Test,
	options: { readonly brokers: 1 | 3; readonly partitions?: number; readonly perSecond?: number },
): Promise<KafkaStage> {
	const { partitions = 6, perSecond = 1_000 } = options;
	const seed = chooseSeed(t);
	const kafka = await startKafkaCluster(t, options.brokers);
	const topic = { name: "kafka-fault", brokers: kafka.brokers };
	await createTopicAndWait(kafka.admin, {
		topic: topic.name,
		numPartitions: partitions,
		replicationFactor: options.brokers,
	});
	const database = await createDatabase(t);
	const { client } = database;
	await migrate(database.settings);
	await recordOffsetHistory(client);
	const messages = stream(seed, perSecond * SECONDS_MAX);
	const producer = startProducer(t, topic, messages, perSecond);
	return {
		random: createRandom(seed),
		kafka,
		client,
		topic,
		producer,
		start: (change = {}) =>
			startEngine(t, { topic, database, ...change, env: { ...SHORT_SESSION, ...change.env } }),
		async untilFlowing(what, more = perSecond) {
			const { sent } = producer;
			// A producer that gave up sends no more: its error says why, and waiting would not.
			await Promise.race([
				waitUntil(() => producer.sent >= sent + more, { what: `${what}: the producer going on` }),
				producer.done,
			]);
			const goal = producer.sent;
			await waitUntil(async () => (await countedIn(client)) >= goal, {
				what: `${what}: the engine going on`,
			});
		},
		async expectExact(engines) {
			const sent = await producer.stop();
			for (const engine of engines) {
				await untilCaughtUp(engine);
				await engine.ready();
			}
			await expectExact(t, client, topic, messages.slice(0, sent));
			const { problems, commits, claims } = await readOffsetHistory(client);
			t.same(problems, [], `I1 holds over ${commits} commits and ${claims} claims`);
			for (const engine of engines) t.same(await engine.stop(), { code: 0, signal: null });
		},
	};
}

/** One look at what an engine says of itself, and at what it does. */
interface Look {
	readonly atMs: number;
	/** What `/readyz` gives as reasons, joined; empty when ready. */
	readonly reasons: string;
	readonly acknowledged: number;
	readonly counted: number;
}

export interface TruthWatch {
	/** Waits until `/readyz` gives such a reason. */
	saysNotReady(why: RegExp): Promise<void>;
	/**
	 * Ends the looking. It has told the truth unless it called itself ready for a long while in which acknowledged messages
	 * waited and none was stored. Only for an engine that is alone.
	 */
	expectTruth(): Promise<void>;
}

const LOOK_EVERY_MS = 100;
/** A request gives up after five seconds, and is tried again at another broker; a loaded machine takes three times that. */
const SILENT_MS_MAX = 20_000;

/** Looks at `/readyz` all the time, as a load balancer does, and compares it with what is stored. */
export function watchTruth(
	t: Test,
	engine: EngineProcess,
	{ client, producer }: Pick<KafkaStage, "client" | "producer">,
): TruthWatch {
	const looks: Look[] = [];
	let ended = false;
	const look = async (): Promise<void> => {
		const acknowledged = producer.sent;
		const { status, body } = await engine.get("/readyz");
		const { reasons } = JSON.parse(body) as { reasons: readonly string[] };
		const counted = await countedIn(client);
		if ((status === 200) !== (reasons.length === 0)) throw new Error(`${status} with ${body}`);
		looks.push({ atMs: performance.now(), reasons: reasons.join("; "), acknowledged, counted });
	};
	const looking = (async () => {
		while (!ended) {
			// A server that is slow to answer has said nothing; the next look asks again.
			await look().catch(() => {});
			await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
		}
	})();
	const stop = async (): Promise<void> => {
		ended = true;
		await looking;
	};
	t.teardown(stop);
	return {
		async saysNotReady(why) {
			const from = looks.length;
			await waitUntil(() => looks.slice(from).some(({ reasons }) => why.test(reasons)), {
				what: `/readyz saying ${why}`,
			});
		},
		async expectTruth() {
			await stop();
			const { longestMs, reasons } = silentButReady(looks);
			t.ok(
				longestMs < SILENT_MS_MAX,
				`ready without storing what waited for ${Math.round(longestMs)} ms at most; not ready because: ${reasons.join(" | ") || "never"}`,
			);
		},
	};
}

/** The longest time ready with messages waiting and none stored, and all reasons that were given for not being ready. */
function silentButReady(looks: readonly Look[]): { longestMs: number; reasons: readonly string[] } {
	let longestMs = 0;
	let since: Look | null = null;
	for (const look of looks) {
		const isSilent = since !== null && look.counted === since.counted;
		const waits = since !== null && since.acknowledged > since.counted;
		if (look.reasons !== "") since = null;
		else if (since === null || !isSilent || !waits) since = look;
		else longestMs = Math.max(longestMs, look.atMs - since.atMs);
	}
	return {
		longestMs,
		reasons: [...new Set(looks.map(({ reasons }) => reasons).filter((one) => one !== ""))],
	};
}
