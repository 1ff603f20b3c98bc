/** Reading a whole topic in a test: what stands in every partition up to its end at the moment of asking. */
import { randomBytes } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";

export interface ReadMessage {
	readonly partition: number;
	readonly offset: number;
	readonly key: string | null;
	readonly value: Buffer | null;
}

function client(brokers: readonly string[]): Kafka {
	return new Kafka({ clientId: "test", brokers: [...brokers], logLevel: logLevel.NOTHING });
}

/** Records between the low and the high watermarks of all partitions. */
export async function countOf(brokers: readonly string[], topic: string): Promise<number> {
	const admin = client(brokers).admin();
	await admin.connect();
	try {
		const offsets = await admin.fetchTopicOffsets(topic);
		return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
	} finally {
		await admin.disconnect();
	}
}

/** For a topic that a test made itself; quiet when it is not there. */
export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
	const admin = client(brokers).admin();
	await admin.connect();
	await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
	await admin.disconnect();
}

/** All messages, each partition in its order. */
export async function readTopic(brokers: readonly string[], topic: string): Promise<ReadMessage[]> {
	const expected = await countOf(brokers, topic);
	const messages: ReadMessage[] = [];
	if (expected === 0) return messages;
	const consumer = client(brokers).consumer({
		groupId: `test-${randomBytes(6).toString("hex")}`,
		maxWaitTimeInMs: 100,
	});
	await consumer.connect();
	try {
		await consumer.subscribe({ topic, fromBeginning: true });
		await new Promise<void>((resolve, reject) => {
			consumer.on("consumer.crash", ({ payload }) => reject(payload.error));
			consumer
				.run({
					autoCommit: false,
					eachBatch: async ({ batch }) => {
						for (const { key, value, offset } of batch.messages) {
							messages.push({
								partition: batch.partition,
								offset: Number(offset),
								key: key?.toString() ?? null,
								value: value === null ? null : Buffer.from(value),
							});
						}
						if (messages.length >= expected) resolve();
					},
				})
				.catch(reject);
		});
	} finally {
		await consumer.disconnect();
	}
	return messages;
}
