/** The topic of a scenario, made and removed behind the program's back. */
import { Kafka, logLevel } from "kafkajs";

export interface Topic {
	/** Records in it: the sum of high less low watermark over all partitions. */
	count(): Promise<number>;
	/** Deletes it and disconnects. */
	remove(): Promise<void>;
}

export async function createTopic(brokers: string, name: string, partitions: number): Promise<Topic> {
	const kafka = new Kafka({
		clientId: "lottery-perf",
		brokers: brokers.split(","),
		logLevel: logLevel.NOTHING,
	});
	const admin = kafka.admin();
	await admin.connect();
	await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true });
	return {
		async count() {
			const offsets = await admin.fetchTopicOffsets(name);
			return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
		},
		async remove() {
			await admin.deleteTopics({ topics: [name] });
			await admin.disconnect();
		},
	};
}
