/** Making a topic, so that whoever made it can write to it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, ITopicConfig, KafkaJSError, SeekEntry } from "kafkajs";

const LOOK_EVERY_MS = 50;
const LEADERS_WITHIN_MS = 30_000;

/**
 * Makes the topic unless it exists, and waits until every partition has a leader that leads. kafkajs waits for leaders
 * too (`waitForLeaders`), but rejects at once when the broker it asks has not heard of the topic yet, and comes back when
 * leaders are named, before they lead.
 * @returns whether it was made now
 * @throws as `offsetsOnceLed`
 */
export async function createTopicAndWait(admin: Admin, topic: ITopicConfig): Promise<boolean> {
	const isNew = await admin.createTopics({ topics: [topic], waitForLeaders: false });
	await offsetsOnceLed(admin, topic.topic);
	return isNew;
}

/**
 * Low and high watermark of each partition. Every partition answers this only through its leader: once it has, it takes
 * records, too.
 * @throws what kafkajs says of the topic when there are no leaders within 30 s
 */
export async function offsetsOnceLed(
	admin: Admin,
	topic: string,
): Promise<readonly (SeekEntry & { readonly high: string })[]> {
	const deadlineMs = performance.now() + LEADERS_WITHIN_MS;
	for (;;) {
		try {
			return await admin.fetchTopicOffsets(topic);
		} catch (error) {
			if (!(error as KafkaJSError).retriable || performance.now() > deadlineMs) throw error;
		}
		await sleep(LOOK_EVERY_MS);
	}
}
