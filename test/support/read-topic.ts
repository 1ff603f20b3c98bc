/** What is really in a topic, read back from its start to its end: the truth a fault test compares with. */
import { randomBytes } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import type { SentMessage, TestTopic } from "./topic.ts";

const READ_WITHIN_MS = 60_000;

/** Every committed record of the topic as it is now. Send nothing meanwhile. */
export async function readTopic({
	name,
	brokers,
}: Pick<TestTopic, "name" | "brokers">): Promise<SentMessage[]> {
	const kafka = new Kafka({ clientId: "test-reader", brokers: [...brokers], logLevel: logLevel.NOTHING });
	const admin = kafka.admin();
	await admin.connect();
	const ends = new Map<number, number>();
	for (const { partition, high, low } of await admin.fetchTopicOffsets(name)) {
		if (Number(high) > Number(low)) ends.set(partition, Number(high));
	}
	const groupId = `reader-${randomBytes(6).toString("hex")}`;
	const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
	const messages: SentMessage[] = [];
	try {
		if (ends.size > 0) await read();
	} finally {
		await consumer.disconnect();
		await admin.deleteGroups([groupId]).catch(() => {});
		await admin.disconnect();
	}
	return messages;

	async function read(): Promise<void> {
		const missing = new Set(ends.keys());
		await consumer.connect();
		await consumer.subscribe({ topics: [name], fromBeginning: true });
		await new Promise<void>((resolve, reject) => {
			const timer = setTimeout(
				() => reject(new Error(`the topic's end was not reached within ${READ_WITHIN_MS} ms`)),
				READ_WITHIN_MS,
			);
			// A fetch of markers and aborted records only never reaches `eachBatch`, but ends in this event.
			consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
				if (Number(payload.lastOffset) + 1 >= (ends.get(payload.partition) ?? 0))
					missing.delete(payload.partition);
				if (missing.size > 0) return;
				clearTimeout(timer);
				resolve();
			});
			consumer.run({ eachBatch: async ({ batch }) => take(batch) }).catch(reject);
		});
	}

	function take(batch: {
		readonly partition: number;
		readonly messages: readonly {
			readonly offset: string;
			readonly timestamp: string;
			readonly key: Buffer | null;
			readonly value: Buffer | null;
		}[];
	}): void {
		for (const { offset, timestamp, key, value } of batch.messages) {
			messages.push({
				topic: name,
				partition: batch.partition,
				offset: Number(offset),
				timestampMs: Number(timestamp),
				// Slices of a whole fetch are kept alive by the smallest of them.
				key: key === null ? null : Buffer.from(key),
				value: value === null ? null : Buffer.from(value),
				headers: {},
			});
		}
	}
}
