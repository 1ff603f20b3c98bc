/** Which broker leads which partition of a topic, asked once: scenarios run on a healthy cluster. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Admin, Kafka, type KafkaJSError, logLevel, type SeekEntry } from "kafkajs";

export interface Leader {
	readonly host: string;
	readonly port: number;
	readonly partitions: readonly number[];
}

export interface TopicLeaders {
	readonly partitionCount: number;
	readonly leaders: readonly Leader[];
	/** By partition: the offset that the next record gets. */
	readonly endOffsets: readonly number[];
}

/** A broker may lead a partition of a new topic by name for a while before it does so in deed. */
const LEADING_WITHIN_MS = 20_000;
const AGAIN_MS = 100;

/**
 * @param brokers as in KAFKA_BROKERS; connections without TLS and without a password
 * @throws Error when the topic does not exist or a partition has no leader
 */
export async function findLeaders(brokers: string, topic: string): Promise<TopicLeaders> {
	const kafka = new Kafka({
		clientId: "lottery-perf",
		brokers: brokers.split(","),
		logLevel: logLevel.NOTHING,
	});
	const admin = kafka.admin();
	await admin.connect();
	try {
		const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
		const partitions = topics[0]?.partitions ?? [];
		const { brokers: nodes } = await admin.describeCluster();
		const leaders = nodes
			.map(({ nodeId, host, port }) => ({
				host,
				port,
				partitions: partitions
					.filter(({ leader }) => leader === nodeId)
					.map(({ partitionId }) => partitionId),
			}))
			.filter((leader) => leader.partitions.length > 0);
		const led = leaders.reduce((sum, leader) => sum + leader.partitions.length, 0);
		if (led === 0 || led !== partitions.length) {
			throw new Error(
				`${led} of ${partitions.length} partitions of "${topic}" have a leader: wait until the cluster is well`,
			);
		}
		const endOffsets: number[] = new Array(partitions.length).fill(0);
		for (const { partition, high } of await offsetsOf(admin, topic)) endOffsets[partition] = Number(high);
		return { partitionCount: partitions.length, leaders, endOffsets };
	} finally {
		await admin.disconnect();
	}
}

/**
 * Low and high watermark of each partition. Every partition answers this only through its leader: once it has, it takes
 * records, too.
 */
export async function offsetsOf(
	admin: Admin,
	topic: string,
): Promise<readonly (SeekEntry & { readonly high: string })[]> {
	const deadlineMs = performance.now() + LEADING_WITHIN_MS;
	for (;;) {
		try {
			return await admin.fetchTopicOffsets(topic);
		} catch (error) {
			if (!(error as KafkaJSError).retriable || performance.now() > deadlineMs) throw error;
			await sleep(AGAIN_MS);
		}
	}
}
