/** A topic of its own for one test, and plain sending to it, without any code of the engine or the producer. */
import { randomBytes } from "node:crypto";
import {
	type Admin,
	type IHeaders,
	Kafka,
	logLevel,
	type Message,
	Partitioners,
	type Producer,
} from "kafkajs";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";
import { waitUntil } from "./wait-until.ts";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	teardown(handler: () => Promise<void>): void;
}

export interface TopicOptions {
	readonly partitions: number;
	/** Default: a random one. */
	readonly name?: string;
	/** Topic settings, over ours. */
	readonly config?: Readonly<Record<string, string>>;
}

export interface TestTopic {
	readonly name: string;
	/** How many it has by now. */
	readonly partitions: number;
	readonly brokers: readonly string[];
	/** Connected. Closed when the test ends, and the topic deleted. */
	readonly admin: Admin;
	/** What `send` uses: connects at the first call, and one action waits for the other. */
	withProducer<T>(action: (producer: Producer) => Promise<T>): Promise<T>;
	/** Adds empty partitions until there are so many. */
	growTo(partitions: number): Promise<void>;
	/** Deletes the records before these offsets, by partition: the log starts there from then on. */
	deleteRecordsBefore(offsets: ReadonlyMap<number, number>): Promise<void>;
}

/** kafkajs cannot send a header without a value. */
type HeaderValue = Buffer | string;

/** What may be sent. Strings are sent as UTF-8. */
export interface OutgoingMessage {
	readonly value: Buffer | string | null;
	readonly key?: Buffer | string | null;
	/** An array is the same name several times. */
	readonly headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
	/** Without it Kafka's default partitioner decides by the key, or at random. */
	readonly partition?: number;
	/** Timestamp of the record, in ms since 1970; default: now. */
	readonly timestampMs?: number;
}

/** What is in the topic, once acknowledged. */
export interface SentMessage {
	readonly topic: string;
	readonly partition: number;
	readonly offset: number;
	readonly timestampMs: number;
	readonly key: Buffer | null;
	readonly value: Buffer | null;
	readonly headers: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
}

/** kafkajs groups messages in quadratic time per partition. */
const MESSAGES_PER_SEND = 2_000;
/** Keys and values; the broker takes batches of 1,048,588 bytes, headers and the rest included. */
const BYTES_PER_SEND = 800_000;
const LONG_MAX = "9223372036854775807";

/** Records of any age stay, and the broker takes a timestamp from the future, which it refuses by default. */
const CONFIG = {
	"retention.ms": "-1",
	"message.timestamp.after.max.ms": LONG_MAX,
	"message.timestamp.before.max.ms": LONG_MAX,
};

/** A silent client of the broker that `KAFKA_BROKERS` names. Throws when it is not set. */
export function kafkaClient(): { readonly kafka: Kafka; readonly brokers: readonly string[] } {
	const brokers = process.env["KAFKA_BROKERS"]?.split(",");
	if (brokers === undefined) {
		throw new Error("KAFKA_BROKERS is not set: run this through `npm test`, or set it and PGHOST");
	}
	return { kafka: new Kafka({ clientId: "test", brokers, logLevel: logLevel.NOTHING }), brokers };
}

/** Creates an empty topic, which is deleted when `t` ends. */
export async function createTopic(
	t: TestWithTeardown,
	{ partitions, name = `test-${randomBytes(6).toString("hex")}`, config = {} }: TopicOptions,
): Promise<TestTopic> {
	const { kafka, brokers } = kafkaClient();
	const admin = kafka.admin();
	await admin.connect();
	let producing: Promise<Producer> | null = null;
	const disconnect = async (): Promise<void> => {
		await (await producing?.catch(() => null))?.disconnect();
		producing = null;
	};
	t.teardown(async () => {
		await disconnect();
		await admin.deleteTopics({ topics: [name] }).catch(() => {});
		await admin.disconnect();
	});
	await createTopicAndWait(admin, {
		topic: name,
		numPartitions: partitions,
		replicationFactor: 1,
		configEntries: Object.entries({ ...CONFIG, ...config }).map(([name, value]) => ({ name, value })),
	});
	const connect = async (): Promise<Producer> => {
		const producer = kafka.producer({
			// A send that is tried again, because one partition has no leader yet, would be stored twice in the others.
			idempotent: true,
			maxInFlightRequests: 1,
			allowAutoTopicCreation: false,
			createPartitioner: Partitioners.DefaultPartitioner,
		});
		await producer.connect();
		return producer;
	};
	let count = partitions;
	let line: Promise<unknown> = Promise.resolve();
	return {
		name,
		get partitions() {
			return count;
		},
		brokers,
		admin,
		withProducer: (action) => {
			producing ??= connect();
			const result = Promise.all([producing, line]).then(([producer]) => action(producer));
			// kafkajs mixes up the sequence numbers of concurrent sends (kafkajs#598).
			line = result.catch(() => {});
			return result;
		},
		growTo: async (wanted) => {
			await admin.createPartitions({ topicPartitions: [{ topic: name, count: wanted }] });
			count = wanted;
			await waitUntil(async () => (await admin.fetchTopicOffsets(name)).length === wanted);
			// A connected producer silently drops what goes to a partition it does not know yet.
			await disconnect();
		},
		deleteRecordsBefore: async (offsets) => {
			// Without it kafkajs does not know the leaders of the topic.
			await admin.fetchTopicOffsets(name);
			await admin.deleteTopicRecords({
				topic: name,
				partitions: [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) })),
			});
		},
	};
}

/**
 * Sends them in order, each acknowledged by all replicas, and says where they are. After an error nobody knows what
 * the broker has: send while it is well, or read the topic back.
 */
export async function send(topic: TestTopic, messages: readonly OutgoingMessage[]): Promise<SentMessage[]> {
	const partitionOf = Partitioners.DefaultPartitioner();
	const partitionMetadata = Array.from({ length: topic.partitions }, (_, partitionId) => ({
		partitionErrorCode: 0,
		partitionId,
		leader: 0,
		replicas: [],
		isr: [],
	}));
	const sent: SentMessage[] = [];
	for (const part of sendable(messages)) {
		const chunk = part.map((message) => {
			const bytes = { key: bytesOf(message.key ?? null), value: bytesOf(message.value) };
			const timestampMs = message.timestampMs ?? Date.now();
			const headers = message.headers ?? {};
			const record: Message = { ...bytes, headers: headers as IHeaders, timestamp: String(timestampMs) };
			// Decided here, so that it is known beforehand where each message of a chunk will be.
			const partition =
				message.partition ?? partitionOf({ topic: topic.name, message: record, partitionMetadata });
			return { record: { ...record, partition }, sent: { ...bytes, timestampMs, headers, partition } };
		});
		const answers = await topic.withProducer((producer) =>
			producer.send({ topic: topic.name, acks: -1, messages: chunk.map(({ record }) => record) }),
		);
		const next = new Map(answers.map((answer) => [answer.partition, Number(answer.baseOffset)]));
		for (const { sent: message } of chunk) {
			const offset = next.get(message.partition);
			if (offset === undefined) throw new Error(`Kafka did not acknowledge partition ${message.partition}`);
			next.set(message.partition, offset + 1);
			sent.push({ topic: topic.name, offset, ...message });
		}
	}
	return sent;
}

/** Runs that fit into one request each, as long as their messages do. */
function sendable(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
	const runs: OutgoingMessage[][] = [];
	let room = 0;
	for (const message of messages) {
		const size = (bytesOf(message.value)?.length ?? 0) + (bytesOf(message.key ?? null)?.length ?? 0);
		const current = runs.at(-1);
		if (current === undefined || current.length >= MESSAGES_PER_SEND || size > room) {
			runs.push([message]);
			room = BYTES_PER_SEND - size;
		} else {
			current.push(message);
			room -= size;
		}
	}
	return runs;
}

function bytesOf(value: Buffer | string | null): Buffer | null {
	return typeof value === "string" ? Buffer.from(value) : value;
}
