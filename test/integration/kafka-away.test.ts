import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import t from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { type HowToStop, ownKafka } from "../support/own-parts.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { waitUntil } from "../support/wait-until.ts";

const AWAY_MS = 10_000;

t.test(
	"when the broker is away for ten seconds, once in order and once killed, the engine goes on after it",
	async (t) => {
		const seed = chooseSeed(t);
		const kafka = await ownKafka(t);
		const topic = { name: "kafka-away", brokers: kafka.at.brokers };
		const admin = new Kafka({ clientId: "test", brokers: topic.brokers, logLevel: logLevel.NOTHING }).admin();
		await admin.connect();
		await createTopicAndWait(admin, { topic: topic.name, numPartitions: 3 });
		await admin.disconnect();
		const database = await createDatabase(t);
		const messages = stream(seed, 200_000);
		const producer = startProducer(t, topic, messages, 1_000);
		const engine = await startEngine(t, { topic, database });

		for (const how of ["orderly", "crash"] satisfies HowToStop[]) {
			const before = await waitUntil(() => countedIn(database.client), { what: "the first commit" });
			await waitUntil(async () => (await countedIn(database.client)) > before + 1_000, {
				what: "a second of work",
			});
			await kafka.stop(how);
			await sleep(AWAY_MS);
			t.equal((await engine.get("/livez")).status, 200, "it lives while the broker is away");
			await kafka.startAgain();
			const sent = producer.sent;
			await waitUntil(() => producer.sent > sent + 1_000, { what: "the producer's return" });
			await waitUntil(async () => (await countedIn(database.client)) > sent + 1_000, {
				what: `work going on after the broker's end (${how})`,
			});
		}

		const sent = await producer.stop();
		await untilCaughtUp(engine);
		await engine.ready();
		await expectExact(t, database.client, topic, messages.slice(0, sent));
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);
