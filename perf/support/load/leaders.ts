/** Which broker leads which partition of a topic, asked once: scenarios run on a healthy cluster. */
import { Kafka, logLevel } from "kafkajs";
import { offsetsOnceLed } from "../../../engine/kafka/new-topic.ts";

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
		for (const { partition, high } of await offsetsOnceLed(admin, topic))
			endOffsets[partition] = Number(high);
		return { partitionCount: partitions.length, leaders, endOffsets };
	} finally {
		await admin.disconnect();
	}
}
