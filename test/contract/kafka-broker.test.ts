/** What the broker does, seen through kafkajs. Rows K2 and K33 of docs/kafkajs.md, and what commands rely on. */
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import t from "tap";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { startRawConsumer } from "../support/raw-consumer.ts";
import { createTopic, kafkaClient, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test("K2: batches without a codec and in gzip come back as they were sent", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	const { kafka } = kafkaClient();
	const producer = kafka.producer();
	await producer.connect();
	t.teardown(() => producer.disconnect());
	for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
		await producer.send({
			topic: topic.name,
			acks: -1,
			compression,
			messages: [0, 1, 2].map((i) => ({ value: `${compression}/${i}`.repeat(100), partition: 0 })),
		});
	}
	const values: string[] = [];
	const raw = await startRawConsumer(t, topic, {
		eachBatch: async ({ batch, resolveOffset }) => {
			values.push(...batch.messages.map(({ value }) => String(value)));
			resolveOffset(batch.messages.at(-1)!.offset);
		},
	});
	await waitUntil(() => values.length === 6);
	t.same(
		values,
		[0, 1].flatMap((codec) => [0, 1, 2].map((i) => `${codec}/${i}`.repeat(100))),
	);
	t.same(raw.delivered(), [0, 1, 2, 3, 4, 5]);
});

t.test(
	"K2: a fetch into the middle of a compressed batch gives only the records from there on",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const { kafka } = kafkaClient();
		const producer = kafka.producer();
		await producer.connect();
		t.teardown(() => producer.disconnect());
		await producer.send({
			topic: topic.name,
			compression: CompressionTypes.GZIP,
			messages: [0, 1, 2, 3].map((i) => ({ value: String(i), partition: 0 })),
		});
		const raw = await startRawConsumer(t, topic, { onJoin: (one) => one.seek(0, 2) });
		await waitUntil(() => raw.batches.length > 0);
		t.match(raw.batches[0], { fetchedOffset: 2, offsets: [2, 3] });
	},
);

t.test(
	"null keys and values, empty ones, headers of one name and timestamps of any age arrive as sent",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const timestamps = [-1, 0, Date.UTC(1999, 0, 1), Date.UTC(2999, 0, 1)];
		await send(topic, [
			{ key: null, value: null, partition: 0, timestampMs: timestamps[1]! },
			{ key: "", value: "", partition: 0, timestampMs: timestamps[2]! },
			{ value: "v", partition: 0, timestampMs: timestamps[3]!, headers: { h: ["1", "2"], one: "3" } },
		]);
		const got: unknown[] = [];
		await startRawConsumer(t, topic, {
			eachBatch: async ({ batch, resolveOffset }) => {
				for (const { key, value, timestamp, headers } of batch.messages) {
					got.push([
						key === null ? null : String(key),
						value === null ? null : String(value),
						timestamp,
						headers,
					]);
				}
				resolveOffset(batch.messages.at(-1)!.offset);
			},
		});
		await waitUntil(() => got.length === 3);
		t.same(got, [
			[null, null, "0", {}],
			["", "", String(timestamps[2]), {}],
			[null, "v", String(timestamps[3]), { h: [Buffer.from("1"), Buffer.from("2")], one: Buffer.from("3") }],
		]);
	},
);

t.test(
	"records may be deleted from the start of the log: the low watermark moves, the high one does not",
	async (t) => {
		const topic = await createTopic(t, { partitions: 2 });
		await send(
			topic,
			[0, 1, 2, 3].map((i) => ({ value: String(i), partition: 1 })),
		);
		await topic.deleteRecordsBefore(new Map([[1, 3]]));
		const offsets = await topic.admin.fetchTopicOffsets(topic.name);
		t.same(offsets.map(({ partition, low, high }) => [partition, low, high]).sort(), [
			[0, "0", "0"],
			[1, "3", "4"],
		]);
	},
);

t.test(
	"K33: a topic deleted and created again has the same name and cluster, and is read on from the old offset",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const before = await topic.admin.describeCluster();
		await send(
			topic,
			[0, 1, 2].map((i) => ({ value: `old ${i}`, partition: 0 })),
		);
		await topic.admin.deleteTopics({ topics: [topic.name] });
		await waitUntil(async () => !(await topic.admin.listTopics()).includes(topic.name));
		await createTopicAndWait(topic.admin, { topic: topic.name, numPartitions: 1 });
		// Not the producer of before: it would go on with its sequence numbers.
		const producer = kafkaClient().kafka.producer();
		await producer.connect();
		t.teardown(() => producer.disconnect());
		await producer.send({
			topic: topic.name,
			messages: [0, 1, 2, 3].map((i) => ({ value: `new ${i}`, partition: 0 })),
		});
		t.equal((await topic.admin.describeCluster()).clusterId, before.clusterId);
		const values: string[] = [];
		const raw = await startRawConsumer(t, topic, {
			onJoin: (one) => one.seek(0, 3),
			eachBatch: async ({ batch }) => void values.push(...batch.messages.map(({ value }) => String(value))),
		});
		await waitUntil(() => raw.batches.length > 0);
		t.equal(values[0], "new 3", "three records of the new topic are skipped, and nobody says so");
		t.same([raw.batches[0]?.fetchedOffset, raw.crashes], [3, []]);
	},
);

t.test(
	"createTopics leaves the replication factor to the broker, and says whether the topic is new",
	async (t) => {
		const { name, admin } = await createTopic(t, { partitions: 1 });
		const other = `${name}-other`;
		t.teardown(async () => void (await admin.deleteTopics({ topics: [other] }).catch(() => {})));
		const topic = { topic: other, numPartitions: 3 };
		t.equal(await createTopicAndWait(admin, topic), true);
		t.equal(await createTopicAndWait(admin, topic), false);
		const { topics: found } = await admin.fetchTopicMetadata({ topics: [other] });
		t.equal(found[0]?.partitions.length, 3);
		t.ok((await admin.listTopics()).includes(other));
	},
);

t.test(
	"asking for a topic that is not there is an error and makes none, although the client may by default",
	async (t) => {
		const { name, brokers } = await createTopic(t, { partitions: 1 });
		const missing = `${name}-missing`;
		const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
		const admin = kafka.admin();
		await admin.connect();
		t.teardown(() => admin.disconnect());
		await t.rejects(admin.fetchTopicOffsets(missing), /does not host this topic-partition/);
		t.notOk((await admin.listTopics()).includes(missing));
	},
);
