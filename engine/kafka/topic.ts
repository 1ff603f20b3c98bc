import type { Kafka } from "kafkajs";
import { UnavailableError } from "../errors.ts";

export interface TopicDescription {
	readonly clusterId: string;
	readonly partitions: number;
}

/** Reads the cluster's id and the topic's partitions; null when there is no such topic. Rejects when no broker answers. */
export async function describeTopic(kafka: Kafka, topic: string): Promise<TopicDescription | null> {
	const admin = kafka.admin();
	try {
		await admin.connect();
		const { clusterId } = await admin.describeCluster();
		const topics = await admin.listTopics();
		if (!topics.includes(topic)) return null;
		const { topics: described } = await admin.fetchTopicMetadata({ topics: [topic] });
		return { clusterId, partitions: described[0]?.partitions.length ?? 0 };
	} finally {
		await admin.disconnect().catch(() => {});
	}
}

/** Creates the topic if it is not there, on a broker that is ours (replication 1). True when it was created. */
export async function createTopic(kafka: Kafka, topic: string, partitions: number): Promise<boolean> {
	const admin = kafka.admin();
	try {
		await admin.connect();
		return await admin.createTopics({
			topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
			waitForLeaders: true,
		});
	} finally {
		await admin.disconnect().catch(() => {});
	}
}

/** As `describeTopic`, for whoever cannot go on without the topic. */
export async function requireTopic(kafka: Kafka, topic: string): Promise<TopicDescription> {
	const found = await describeTopic(kafka, topic);
	if (found !== null) return found;
	throw new UnavailableError(
		"kafka",
		`Kafka has no topic "${topic}"`,
		`create it (kafka-topics.sh --create --topic ${topic} --partitions 8), or set KAFKA_TOPIC`,
	);
}
