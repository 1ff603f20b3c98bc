/**
 * kafkajs and records: codecs, memory, headers, and sending them once. Rows K21, K23, K28 and K37 of docs/kafkajs.md.
 */
import { CompressionTypes, Kafka, default as kafkajs, logLevel } from "kafkajs";
import t from "tap";
import { startRawConsumer, throughProxy } from "../support/raw-consumer.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { createTopic, kafkaClient, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

// Node finds some names of a CommonJS module only behind its default export.
const { CompressionCodecs } = kafkajs;

/** A zstd frame whose block is not compressed: what any decoder reads, and any broker accepts. */
function zstdFrame(content: Buffer): Buffer {
	const head = Buffer.from("28b52ffda0", "hex");
	const sizes = Buffer.alloc(7);
	sizes.writeUInt32LE(content.length, 0);
	// Last block, raw.
	sizes.writeUIntLE((content.length << 3) | 1, 4, 3);
	return Buffer.concat([head, sizes, content]);
}

t.test(
	"K21, K37: a batch in a codec that nobody has registered is a crash, and takes all partitions of its fetch along",
	async (t) => {
		const topic = await createTopic(t, { partitions: 2 });
		const unregistered = CompressionCodecs[CompressionTypes.ZSTD];
		const register = (codec: unknown): void => {
			(CompressionCodecs as Record<number, unknown>)[CompressionTypes.ZSTD] = codec;
		};
		t.teardown(() => register(unregistered));
		const codec = {
			compress: async (encoder: { readonly buffer: Buffer }) => zstdFrame(encoder.buffer),
			decompress: async (frame: Buffer) => frame.subarray(12),
		};
		register(() => codec);
		const { kafka } = kafkaClient();
		const producer = kafka.producer();
		await producer.connect();
		t.teardown(() => producer.disconnect());
		await producer.send({
			topic: topic.name,
			compression: CompressionTypes.ZSTD,
			messages: [{ value: "in zstd", partition: 0 }],
		});
		await send(topic, [{ value: "plain", partition: 1 }]);
		register(unregistered);
		const without = await startRawConsumer(t, topic, { config: { retry: {} } });
		await waitUntil(() => without.crashes.length > 0);
		t.match(without.crashes, [{ restart: false, error: { name: "KafkaJSNotImplemented" } }]);
		t.same(without.batches, [], "nothing of the other partition either");
		register(() => codec);
		const values: string[] = [];
		await startRawConsumer(t, topic, {
			eachBatch: async ({ batch }) => void values.push(...batch.messages.map(({ value }) => String(value))),
		});
		await waitUntil(() => values.includes("in zstd") && values.includes("plain"));
		t.pass("a codec is two functions under its number, looked up at every batch");
	},
);

t.test("K23: values and keys of a batch are slices of one buffer: keeping one keeps all", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await send(
		topic,
		Array.from({ length: 50 }, (_, i) => ({ key: `key ${i}`, value: "0123456789", partition: 0 })),
	);
	const memory: { shared: boolean; bytes: number }[] = [];
	await startRawConsumer(t, topic, {
		eachBatch: async ({ batch }) => {
			const [first, second] = batch.messages;
			memory.push({
				shared: first!.value!.buffer === second!.value!.buffer && first!.key!.buffer === first!.value!.buffer,
				bytes: first!.value!.buffer.byteLength,
			});
		},
	});
	await waitUntil(() => memory.length > 0);
	t.ok(memory[0]!.shared);
	t.ok(memory[0]!.bytes > 1_000, `ten bytes keep ${memory[0]!.bytes}`);
});

t.test(
	"K28: concurrent sends of an idempotent producer are stored once each, in one line per broker",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const { kafka } = kafkaClient();
		const producer = kafka.producer({ idempotent: true });
		await producer.connect();
		t.teardown(() => producer.disconnect());
		const count = 20;
		await Promise.all(
			Array.from({ length: count }, (_, i) =>
				producer.send({ topic: topic.name, messages: [{ value: `v${i}`, partition: 0 }] }),
			),
		);
		const [end] = await topic.admin.fetchTopicOffsets(topic.name);
		t.equal(Number(end?.high), count);
	},
);

t.test(
	"K28: after a send whose answer was lost the next message is dropped as its repetition, and acknowledged",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const proxy = await startProxy(t, Number(topic.brokers[0]!.split(":")[1]));
		const kafka = new Kafka({
			clientId: "contract",
			brokers: [...topic.brokers],
			logLevel: logLevel.NOTHING,
			...throughProxy(proxy),
			connectionTimeout: 10_000,
			requestTimeout: 20_000,
		});
		const producer = kafka.producer({ idempotent: true, retry: { retries: 1, initialRetryTime: 10 } });
		await producer.connect();
		t.teardown(() => producer.disconnect());
		const sendOne = (value: string) =>
			producer.send({ topic: topic.name, acks: -1, messages: [{ value, partition: 0 }] });
		await sendOne("first");
		const PRODUCE = 0;
		proxy.onRequest = (chunk) => (chunk.readInt16BE(4) === PRODUCE ? "swallow" : "pass");
		await t.rejects(sendOne("in doubt"));
		t.equal(proxy.swallowed, 2, "both tries were stored as one, and nobody heard of it");
		proxy.onRequest = () => "pass";
		const [answer] = await sendOne("lost");
		t.match(answer, { errorCode: 0, baseOffset: "1" }, "it says stored, at the offset of the one before");
		const [end] = await topic.admin.fetchTopicOffsets(topic.name);
		t.equal(Number(end?.high), 2, "two records of three: engine/kafka/sender.ts throws such a producer away");
	},
);

t.test("a header named as a property of every object arrives with that property in front", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await send(topic, [{ value: "v", partition: 0, headers: { constructor: "ours", plain: "p" } }]);
	let headers: Record<string, unknown> = {};
	await startRawConsumer(t, topic, {
		eachBatch: async ({ batch }) => {
			headers = batch.messages[0]!.headers ?? {};
		},
	});
	await waitUntil(() => "plain" in headers);
	t.same(headers["plain"], Buffer.from("p"));
	t.same(headers["constructor"], [Object, Buffer.from("ours")], "engine/kafka/headers-json.ts takes it away");
});
