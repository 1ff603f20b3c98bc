/** Fills a topic and makes sure of what is in it. */
import { type FillRequest, fill } from "./load/fill.ts";
import type { ScenarioContext } from "./scenario.ts";
import type { Topic } from "./topic.ts";

/**
 * Sends `content` to the topic and gives how many records the broker holds then: what it says, not what the sender
 * believes.
 * @throws Error when the two differ
 */
export async function fillTopic(
	context: ScenarioContext,
	topic: Topic,
	content: FillRequest["content"],
): Promise<number> {
	const { events } = content;
	context.note(`sending ${events.toLocaleString("en")} events to ${topic.partitions} partitions`);
	await fill({
		brokers: topic.brokers,
		topic: topic.name,
		content,
		signal: context.signal,
		onProgress: (sent, total) => context.progress("sending", sent, total),
	});
	const count = await topic.count();
	if (count !== events) throw new Error(`the topic holds ${count} records, but ${events} were sent`);
	return count;
}
