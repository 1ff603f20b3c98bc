import type pg from "pg";
import type { Test } from "tap";
import { expectTables, untilCounted } from "./expect-tables.ts";
import { type OracleRules, oracle } from "./oracle.ts";
import { readTopic } from "./read-topic.ts";
import type { StreamMessage } from "./stream.ts";
import type { SentMessage, TestTopic } from "./topic.ts";

/**
 * The end of every fault test: once all of the topic is counted, each message that was acknowledged is stored or a dead
 * letter exactly once, and every public relation holds what the oracle says. An engine must be running, or done.
 * @param rulesOf what else the oracle must know of these messages
 */
export async function expectExact(
	t: Test,
	client: pg.Client,
	topic: Pick<TestTopic, "name" | "brokers">,
	acknowledged: readonly StreamMessage[],
	rulesOf: (messages: readonly SentMessage[]) => OracleRules = () => ({}),
): Promise<void> {
	const messages = await readTopic(topic);
	const text = ({ key, value }: { key: Buffer | null; value: Buffer | null }) =>
		`${key?.toString("latin1")} ${value?.toString("latin1")}`;
	const inTopic = messages.map(text).sort();
	t.ok(
		acknowledged.map(text).sort().join("\n") === inTopic.join("\n"),
		`the topic holds the ${acknowledged.length} acknowledged messages, each once (${inTopic.length} are there)`,
	);
	await untilCounted(client, messages.length);
	await expectTables(t, client, oracle(messages, rulesOf(messages)));
}
