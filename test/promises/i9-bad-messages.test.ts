/**
 * I9: one bad message never stops a partition. What becomes of each kind is in bad-messages.test.ts; here they stand at
 * every place: first and last of a batch, alone, in rows, and in a partition that holds nothing else.
 */
import t from "tap";
import { BAD_KINDS } from "../../producer/bad-lines.ts";
import { createRandom } from "../../producer/random.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { chooseSeed } from "../support/stream.ts";
import { createTopic, type OutgoingMessage, type SentMessage, send } from "../support/topic.ts";

const REQUESTS = 250;
/** Messages a request: small, so that every place in it is first or last often. */
const TOGETHER_MAX = 6;
/** Share of bad messages by partition: none, some, most, nothing else. */
const BAD_SHARES = [0, 0.3, 0.7, 1];

t.test("wherever bad messages stand, every partition goes on, and each neighbour is stored", async (t) => {
	const random = createRandom(chooseSeed(t));
	const bad: readonly ((time: string) => Buffer | null)[] = [
		...Object.values(BAD_KINDS).map(
			(spoil) => (time: string) =>
				Buffer.from(spoil({ type: "login", time, userId: "u", sessionId: 1 }), "latin1"),
		),
		() => null,
		() => Buffer.alloc(0),
		() => Buffer.from(" "),
		() => Buffer.from("]"),
		() => Buffer.from('{"a":[1,'),
		() => Buffer.from('"}'),
		() => Buffer.from([0]),
	];
	const good = (i: number) =>
		`{"event_type":"ticket_purchased","event_time":"2025-06-01T1${i % 10}:00:00","payload":{"user_id":"u${i % 7}","session_id":${i},"amount":${i / 100}}}`;
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: BAD_SHARES.length });
	const engine = await startEngine(t, {
		topic,
		database,
		env: { INVALID_RATIO_MAX: "1", FLUSH_INTERVAL_MS: "20" },
	});
	const sent: SentMessage[] = [];
	for (let request = 0; request < REQUESTS; request++) {
		const partition = request % BAD_SHARES.length;
		const messages = Array.from({ length: 1 + random.below(TOGETHER_MAX) }, (_, i): OutgoingMessage => {
			const isBad = random.chance(BAD_SHARES[partition]!);
			const value = isBad ? random.pick(bad)("2025-06-01T10:00:00") : good(request * TOGETHER_MAX + i);
			return { partition, key: random.chance(0.5) ? `k${random.below(9)}` : null, value };
		});
		sent.push(...(await send(topic, messages)));
	}
	await untilCounted(database.client, sent.length);
	await untilCaughtUp(engine);
	const expected = oracle(sent);
	t.ok(expected.deadLetters.length > 200, `${expected.deadLetters.length} bad messages`);
	await expectTables(t, database.client, expected);
	const { totals } = await engine.status();
	t.match(totals, {
		recoveries: 0,
		stored: expected.events.length,
		deadLetters: expected.deadLetters.length,
	});
	t.same(await engine.stop(), { code: 0, signal: null });
});
