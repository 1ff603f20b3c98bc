/** The topic of a scenario, made and removed behind the program's back. */
import { Kafka, logLevel } from "kafkajs";
import { createTopicAndWait } from "../../engine/kafka/new-topic.ts";

export interface TopicRequest {
	readonly partitions: number;
	/** Topic settings, such as `{ "compression.type": "gzip" }`. */
	readonly config?: Readonly<Record<string, string>>;
}

export interface Topic {
	readonly name: string;
	readonly partitions: number;
	/** As in KAFKA_BROKERS. */
	readonly brokers: string;
	/** Records in it: the sum of high less low watermark over all partitions. */
	count(): Promise<number>;
	/** High watermark of each partition: the offset its next record gets. */
	endOffsets(): Promise<ReadonlyMap<number, number>>;
	/** Deletes it and disconnects. Safe twice. */
	remove(): Promise<void>;
}

/** Resolves when every partition can be written to. */
export async function createTopic(
	brokers: string,
	name: string,
	{ partitions, config = {} }: TopicRequest,
): Promise<Topic> {
	const kafka = new Kafka({
		clientId: "lottery-perf",
		brokers: brokers.split(","),
		logLevel: logLevel.NOTHING,
	});
	const admin = kafka.admin();
	await admin.connect();
	const configEntries = Object.entries({ "retention.ms": "-1", ...config }).map(([name, value]) => ({
		name,
		value,
	}));
	let removing: Promise<void> | null = null;
	const remove = async () => {
		await admin.deleteTopics({ topics: [name] });
		await admin.disconnect();
	};
	try {
		await createTopicAndWait(admin, { topic: name, numPartitions: partitions, configEntries });
	} catch (error) {
		await remove();
		throw error;
	}
	return {
		name,
		partitions,
		brokers,
		async count() {
			const offsets = await admin.fetchTopicOffsets(name);
			return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
		},
		async endOffsets() {
			const offsets = await admin.fetchTopicOffsets(name);
			return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
		},
		remove() {
			removing ??= remove();
			return removing;
		},
	};
}
