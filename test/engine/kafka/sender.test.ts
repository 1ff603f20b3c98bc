import type { Kafka, Message, Producer, ProducerConfig, ProducerRecord } from "kafkajs";
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

const message = (text: string) => ({ key: "k", value: Buffer.from(text) });
const valuesOf = (sent: readonly Sent[]) =>
	sent.map(({ record }) => record.messages.map(({ value }) => String(value)).join());

t.test("it asks all replicas, idempotently, and never makes a topic", async (t) => {
	const { kafka, configs, sent, events } = fakeKafka();
	const sender = createSender(kafka, "topic");
	await sender.connect();
	await sender.connect();
	await sender.send([message("a"), { key: null, value: null }]);
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
	"a message without a key keeps its partition at a retry, and keys follow Java's murmur2",
	async (t) => {
		const { kafka, configs } = fakeKafka();
		await createSender(kafka, "topic").connect();
		const partition = configs[0]!.createPartitioner!();
		const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
			partitionId,
			leader: 1,
			partitionErrorCode: 0,
			replicas: [1],
			isr: [1],
		}));
		const where = (each: Message) => partition({ topic: "topic", partitionMetadata, message: each });
		const keyless = Array.from({ length: 50 }, () => ({ key: null, value: "v" }));
		const first = keyless.map(where);
		t.strictSame(keyless.map(where), first);
		t.ok(new Set(first).size > 1, "they are spread");
		// murmur2 of these as Kafka's own UtilsTest has it: -973932308, -790332482, -985981536; positive, modulo 12.
		for (const [key, expected] of [
			["21", 0],
			["foobar", 6],
			["a-little-bit-long-string", 8],
		] as const) {
			t.equal(where({ key, value: "v" }), expected, key);
			t.equal(where({ key: Buffer.from(key), value: "v" }), expected, key);
		}
	},
);
