/**
 * A topic that is deleted and created again under its name, while an engine reads it: the new one's records are not those
 * that were counted, whatever their offsets. Its partitions stop, and say why.
 */
import type pg from "pg";
import t, { type Test } from "tap";
import { createSender } from "../../engine/kafka/sender.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { createDatabase } from "../support/database.ts";
import { type EngineProcess, startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { chooseSeed, stream } from "../support/stream.ts";
import { createTopic, kafkaClient, type SentMessage, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 2;
const OLD = 1_000;
/** Ten times as long as the old one: every position of the old one lies within the new one. */
const NEW = 10_000;
const PER_SEND = 2_000;

/** As fast as it goes: the consumer may never see the topic missing. */
async function recreate(topic: TestTopic): Promise<void> {
	await topic.admin.deleteTopics({ topics: [topic.name] });
	await waitUntil(
		async () => {
			const topics = [{ topic: topic.name, numPartitions: PARTITIONS, replicationFactor: 1 }];
			return await topic.admin.createTopics({ waitForLeaders: false, topics });
		},
		{ everyMs: 10, what: "the topic again" },
	);
	await waitUntil(() => topic.admin.fetchTopicOffsets(topic.name), { what: "its leaders" });
}

interface Stage {
	readonly client: pg.Client;
	readonly topic: TestTopic;
	readonly old: readonly SentMessage[];
	start(label: string): Promise<EngineProcess>;
	/** The same name with other records, many more of them. */
	replace(): Promise<void>;
}

async function setStage(t: Test): Promise<Stage> {
	const seed = chooseSeed(t);
	const database = await createDatabase(t);
	await migrate(database.settings);
	const topic = await createTopic(t, { partitions: PARTITIONS });
	const start = (label: string): Promise<EngineProcess> => startEngine(t, { topic, database, label });
	const old = await send(
		topic,
		stream(seed, OLD).map((message, i) => ({ ...message, partition: i % PARTITIONS })),
	);
	return {
		client: database.client,
		topic,
		old,
		start,
		async replace() {
			await recreate(topic);
			// A producer of its own: one that was connected before goes on with the numbers of the old topic.
			const sender = createSender(kafkaClient().kafka, topic.name);
			for (let at = 0; at < NEW; at += PER_SEND) {
				await sender.send(stream(seed + 1, NEW).slice(at, at + PER_SEND));
			}
			await sender.disconnect();
		},
	};
}

/** Both partitions, and nothing of the new topic is in the tables. */
async function expectHalted(t: Test, engine: EngineProcess, { client, old }: Stage): Promise<void> {
	const halted = await waitUntil(
		async () => {
			const { partitions } = await engine.status();
			return (
				partitions.length === PARTITIONS && partitions.every(({ state }) => state === "halted") && partitions
			);
		},
		{ what: "the halt of all partitions" },
	);
	for (const { haltReason } of halted) t.match(haltReason, /the topic was deleted and created again/);
	t.equal((await engine.get("/readyz")).status, 503);
	await expectTables(t, client, oracle(old));
	const { rows } = await client.query("SELECT next_offset::int AS next FROM source_offsets");
	t.same(
		rows,
		Array(PARTITIONS).fill({ next: OLD / PARTITIONS }),
		"the offsets stand where the old topic ended",
	);
}

t.test(
	"a topic recreated under a running engine stops it, and nothing of the new one is stored",
	async (t) => {
		const stage = await setStage(t);
		const engine = await stage.start("engine");
		await untilCounted(stage.client, OLD);
		await stage.replace();
		await expectHalted(t, engine, stage);
		const told = engine.log.filter(
			({ level, msg }) => level === "error" && /was deleted and created again: nothing/.test(msg),
		);
		t.equal(told.length, 1, "one line says so");
		t.same(await engine.stop(), { code: 0, signal: null });

		const again = await stage.start("again");
		await expectHalted(t, again, stage);
		t.same(await again.stop(), { code: 0, signal: null });
	},
);

t.test("a topic recreated while its engine sleeps stops it when it wakes", async (t) => {
	const stage = await setStage(t);
	const engine = await stage.start("engine");
	await untilCounted(stage.client, OLD);
	// For less than its session: it wakes with the assignment and the positions it had.
	engine.kill("SIGSTOP");
	await stage.replace();
	engine.kill("SIGCONT");
	await expectHalted(t, engine, stage);
	t.same(await engine.stop(), { code: 0, signal: null });
});
