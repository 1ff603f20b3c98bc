import type { Admin, Kafka, Producer, ProducerConfig, ProducerRecord } from "kafkajs";
import t from "tap";
import { createSender } from "../../../engine/kafka/sender.ts";

interface Sent {
	readonly producer: number;
	readonly record: ProducerRecord;
}

/** A Kafka whose producers note what they are told; `behave` decides how each send ends. */
function fakeKafka(behave: (call: number) => Promise<void> = async () => undefined) {
	const configs: ProducerConfig[] = [];
	const sent: Sent[] = [];
	const events: string[] = [];
	let calls = 0;
	const kafka = {
		admin: () =>
			({
				connect: async () => undefined,
				disconnect: async () => undefined,
				fetchTopicMetadata: async () => ({ topics: [{ partitions: Array(PARTITIONS).fill({}) }] }),
			}) as unknown as Admin,
		producer(config: ProducerConfig) {
			configs.push(config);
			const id = configs.length;
			return {
				connect: async () => void events.push(`connect ${id}`),
				disconnect: async () => void events.push(`disconnect ${id}`),
				send: async (record: ProducerRecord) => {
					calls++;
					sent.push({ producer: id, record });
					await behave(calls);
				},
			} as unknown as Producer;
		},
	} as unknown as Kafka;
	return { kafka, configs, sent, events };
}

const PARTITIONS = 12;

const message = (text: string) => ({ key: "k", value: Buffer.from(text) });
const valuesOf = (sent: readonly Sent[]) =>
	sent.map(({ record }) => record.messages.map(({ value }) => String(value)).join());

t.test("it asks all replicas, idempotently, and never makes a topic", async (t) => {
	const { kafka, configs, sent, events } = fakeKafka();
	const sender = createSender(kafka, "topic");
	await sender.connect();
	await sender.connect();
	await sender.send([message("a"), message("b")]);
	await sender.send([]);
	await sender.disconnect();
	await sender.disconnect();
	t.match(configs, [{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false }]);
	t.match(sent, [{ record: { topic: "topic", acks: -1 } }]);
	t.equal(sent.length, 1);
	t.strictSame(events, ["connect 1", "disconnect 1"]);
});

t.test("sends wait for each other, in the order they were asked for", async (t) => {
	const gates: (() => void)[] = [];
	const { kafka, sent } = fakeKafka(() => new Promise((resolve) => gates.push(resolve)));
	const sender = createSender(kafka, "topic");
	const all = Promise.all(["a", "b", "c"].map((text) => sender.send([message(text)])));
	for (const expected of [1, 2, 3]) {
		// Every promise that can move has moved when a macrotask runs.
		await new Promise((resolve) => setImmediate(resolve));
		t.equal(sent.length, expected, "one send at a time");
		gates.shift()!();
	}
	await all;
	t.strictSame(valuesOf(sent), ["a", "b", "c"]);
});

t.test(
	"after a send that failed for good the producer is thrown away, and the next send has a new one",
	async (t) => {
		const { kafka, sent, events } = fakeKafka(async (call) => {
			if (call === 1) throw new Error("no answer");
		});
		const sender = createSender(kafka, "topic");
		await t.rejects(sender.send([message("a")]), { message: "no answer" });
		await sender.send([message("b")]);
		t.strictSame(events, ["connect 1", "disconnect 1", "connect 2"]);
		t.strictSame(
			sent.map(({ producer }) => producer),
			[1, 2],
		);
	},
);

t.test(
	"a send to several partitions is one request to each, for kafkajs mixes them up at a retry",
	async (t) => {
		const { kafka, sent } = fakeKafka();
		const sender = createSender(kafka, "topic");
		const keyless = Array.from({ length: 50 }, () => ({ key: null, value: Buffer.from("v") }));
		await sender.send([...keyless, { key: "21", value: Buffer.from("w") }]);
		const requests = sent.map(({ record }) => new Set(record.messages.map(({ partition }) => partition)));
		for (const partitions of requests) t.equal(partitions.size, 1);
		t.equal(new Set(requests.flatMap((partitions) => [...partitions])).size, requests.length, "each once");
		t.ok(requests.length > 1, "messages without a key are spread");
		t.equal(sent.flatMap(({ record }) => record.messages).length, 51);
	},
);

t.test("keys follow Java's murmur2", async (t) => {
	const { kafka, sent } = fakeKafka();
	const sender = createSender(kafka, "topic");
	// murmur2 of these as Kafka's own UtilsTest has it: -973932308, -790332482, -985981536; positive, modulo 12.
	for (const [key, expected] of [
		["21", 0],
		["foobar", 6],
		["a-little-bit-long-string", 8],
	] as const) {
		for (const bytes of [key, Buffer.from(key)]) {
			await sender.send([{ key: bytes, value: Buffer.from("v") }]);
			t.equal(sent.at(-1)?.record.messages[0]?.partition, expected, key);
		}
	}
});
