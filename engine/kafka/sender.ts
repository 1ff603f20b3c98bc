/**
 * Sending to one topic so that an acknowledged message is in the topic once: `acks=all`, idempotent, one send at a time.
 *
 * Three habits of kafkajs 2.2.4 make that true only with care (kafkajs#598, #353):
 * - a send to several partitions is one request to each of their leaders, and its retry asks the metadata anew: a partition
 *   whose leader has moved to a broker that has answered already is never sent, though the send resolves, and one that
 *   moved away from such a broker is stored twice. So every send here goes to one partition;
 * - sends are put in a line here, so that their order holds over a producer that is replaced;
 * - after a send that failed for good nobody knows what the broker has, and the next batch under the same sequence
 *   number would be taken for a duplicate and dropped: a failed producer is thrown away.
 */
import { type Kafka, type Message, Partitioners, type PartitionMetadata, type Producer } from "kafkajs";

const METADATA_AGE_MS_MAX = 5_000;

export interface OutgoingMessage {
	readonly key: Buffer | string | null;
	readonly value: Buffer | null;
}

export interface Sender {
	/** Rejects with kafkajs's error when no broker answers. */
	connect(): Promise<void>;
	/**
	 * Resolves when every in-sync replica has all of them. A rejection means: unknown, some may be stored. Sends wait
	 * for each other. About 2,000 messages a call is best: kafkajs groups them in quadratic time per partition.
	 */
	send(messages: readonly OutgoingMessage[]): Promise<void>;
	/** Waits for the send under way. Safe twice, and after a failure. */
	disconnect(): Promise<void>;
}

/** How long a broker may wait for its followers, in ms. */
const ACK_TIMEOUT_MS = 30_000;

/** About a minute of tries: a broker's restart or a new leader does not end a send. */
export const SEND_RETRY = { initialRetryTime: 100, maxRetryTime: 5_000, retries: 15, multiplier: 2 };

export function createSender(kafka: Kafka, topic: string): Sender {
	let producer: Producer | null = null;
	let partitionMetadata: PartitionMetadata[] = [];
	const partition = Partitioners.DefaultPartitioner();
	let line: Promise<unknown> = Promise.resolve();

	async function connected(): Promise<Producer> {
		if (producer !== null) return producer;
		const fresh = kafka.producer({
			idempotent: true,
			maxInFlightRequests: 1,
			// A frozen leader answers nothing, and only old metadata makes kafkajs ask who leads by now.
			metadataMaxAge: METADATA_AGE_MS_MAX,
			allowAutoTopicCreation: false,
			retry: SEND_RETRY,
		});
		await fresh.connect();
		const count = await partitionsOf(kafka, topic);
		partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
			partitionErrorCode: 0,
			partitionId,
			leader: 0,
			replicas: [],
			isr: [],
		}));
		producer = fresh;
		return fresh;
	}

	async function discard(): Promise<void> {
		const old = producer;
		producer = null;
		await old?.disconnect();
	}

	async function sendNow(messages: Message[]): Promise<void> {
		const current = await connected();
		const parts = new Map<number, Message[]>();
		for (const message of messages) {
			const to = partition({ topic, partitionMetadata, message });
			const part = parts.get(to) ?? [];
			part.push({ ...message, partition: to });
			parts.set(to, part);
		}
		const sends = [...parts.values()].map((part) =>
			current.send({ topic, acks: -1, timeout: ACK_TIMEOUT_MS, messages: part }),
		);
		try {
			await Promise.all(sends);
		} catch (error) {
			await Promise.allSettled(sends);
			await discard().catch(() => undefined);
			throw error;
		}
	}

	/** Runs `action` behind everything that was asked before it, whatever became of that. */
	function inLine<T>(action: () => Promise<T>): Promise<T> {
		const result = line.then(action, action);
		line = result.catch(() => undefined);
		return result;
	}

	return {
		connect: () => inLine(async () => void (await connected())),
		send(messages) {
			if (messages.length === 0) return Promise.resolve();
			return inLine(() => sendNow(messages.map(({ key, value }) => ({ key, value }))));
		},
		disconnect: () => inLine(discard),
	};
}

async function partitionsOf(kafka: Kafka, topic: string): Promise<number> {
	const admin = kafka.admin();
	await admin.connect();
	try {
		const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
		return topics[0]?.partitions.length ?? 0;
	} finally {
		await admin.disconnect();
	}
}
