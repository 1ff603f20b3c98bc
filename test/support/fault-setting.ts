/** The stage of most fault tests: a migrated database whose offset rows are recorded, a topic, a steady producer. */
import type pg from "pg";
import type { Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { createRandom, type Random } from "../../producer/random.ts";
import { createDatabase, type TestDatabase } from "./database.ts";
import { type EngineOptions, type EngineProcess, startEngine } from "./engine-process.ts";
import { expectExact } from "./expect-exact.ts";
import { type OffsetHistory, readOffsetHistory, recordOffsetHistory } from "./offset-history.ts";
import type { OracleRules } from "./oracle.ts";
import { chooseSeed, type RunningProducer, type StreamMessage, startProducer, stream } from "./stream.ts";
import { createTopic, type SentMessage, type TestTopic } from "./topic.ts";

export interface FaultSetting {
	readonly random: Random;
	readonly database: TestDatabase;
	readonly client: pg.Client;
	readonly topic: TestTopic;
	readonly producer: RunningProducer;
	/** An engine on this topic and database; see `startEngine`. */
	start(options?: Partial<EngineOptions>): Promise<EngineProcess>;
	/** Ends the producer and holds the tables against all it had sent; then judges the history of the offsets by I1. */
	expectExact(rulesOf?: (messages: readonly SentMessage[]) => OracleRules): Promise<OffsetHistory>;
}

export interface FaultOptions {
	readonly partitions?: number;
	readonly perSecond?: number;
	/** What to send; default: more than a test can. */
	readonly messages?: (seed: number) => readonly StreamMessage[];
}

/** Tests take a minute, on a busy machine four; memory sets the limit. */
const SECONDS_MIN = 120;
const SECONDS_MAX = 300;
const MESSAGES_MAX = 180_000;

/** The shortest session that brokers allow by default: a killed engine's partitions are given away that soon. */
export const SHORT_SESSION = { KAFKA_SESSION_TIMEOUT_MS: "6000" };
/** Where nobody dies, and nobody may be taken for dead on a machine that is slow. */
export const PATIENT_SESSION = { KAFKA_SESSION_TIMEOUT_MS: "30000" };

export async function setTheStage(t: Test, options: FaultOptions = {}): Promise<FaultSetting> {
	const { partitions = 4, perSecond = 1_500 } = options;
	const seed = chooseSeed(t);
	const database = await createDatabase(t);
	const { client } = database;
	await migrate(database.settings);
	await recordOffsetHistory(client);
	const topic = await createTopic(t, { partitions });
	const count = Math.max(perSecond * SECONDS_MIN, Math.min(perSecond * SECONDS_MAX, MESSAGES_MAX));
	const messages = options.messages?.(seed) ?? stream(seed, count);
	const producer = startProducer(t, topic, messages, perSecond);
	return {
		random: createRandom(seed),
		database,
		client,
		topic,
		producer,
		start: (change = {}) =>
			startEngine(t, { topic, database, ...change, env: { ...SHORT_SESSION, ...change.env } }),
		async expectExact(rulesOf) {
			const sent = await producer.stop();
			await expectExact(t, client, topic, messages.slice(0, sent), rulesOf);
			const history = await readOffsetHistory(client);
			t.same(history.problems, [], `I1 holds over ${history.commits} commits and ${history.claims} claims`);
			return history;
		},
	};
}
