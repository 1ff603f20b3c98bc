/** Questions about the topic, each with a connection of its own that is closed again. */
import type { Admin, Kafka } from "kafkajs";
import { UnavailableError } from "../errors.ts";
import { createTopicAndWait } from "./new-topic.ts";

export interface TopicDescription {
	readonly clusterId: string;
	readonly partitions: number;
}

export async function withAdmin<T>(kafka: Kafka, action: (admin: Admin) => Promise<T>): Promise<T> {
	const admin = kafka.admin();
	await admin.connect();
	try {
		return await action(admin);
	} finally {
		await admin.disconnect();
	}
}

/** Reads the cluster's id and the topic's partitions; null when there is no such topic. Rejects when no broker answers. */
export function describeTopic(kafka: Kafka, topic: string): Promise<TopicDescription | null> {
	return withAdmin(kafka, async (admin) => {
		const { clusterId } = await admin.describeCluster();
		if (!(await admin.listTopics()).includes(topic)) return null;
		const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
		return { clusterId, partitions: topics[0]?.partitions.length ?? 0 };
	});
}

/**
 * Makes the topic unless it exists, with the broker's own replication factor (a cluster of three has another than
 * ours on one node), and waits for its leaders.
 * @returns whether it was made now
 */
export function createTopic(kafka: Kafka, topic: string, partitions: number): Promise<boolean> {
	return withAdmin(kafka, (admin) => createTopicAndWait(admin, { topic, numPartitions: partitions }));
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
