/** What an engine finds when it comes to a topic for the first time. */
import t from "tap";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, send } from "../support/topic.ts";

/** So many messages for each of these partitions, of two types, from users that meet in all of them. */
function messagesFor(partitions: readonly number[], each: number): OutgoingMessage[] {
	return partitions.flatMap((partition) =>
		Array.from({ length: each }, (_, i) => {
			const fields = { user: `user_${i % 7}`, session: 100 * partition + (i % 11) };
			const time = `2025-06-01T${String(i % 24).padStart(2, "0")}:30:00Z`;
			return {
				partition,
				key: fields.user,
				value: i % 3 === 0 ? lotteryEvent({ ...fields, time }) : ticket({ ...fields, time }),
			};
		}),
	);
}

t.test("events that were in the topic before the first start are counted", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const messages = await send(topic, messagesFor([0, 1], 700));
	await startEngine(t, { topic, database });
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));

	const { rows } = await database.client.query(
		`SELECT kafka_partition, start_offset::int, next_offset::int, gap_count::int FROM source_offsets ORDER BY 1`,
	);
	t.same(
		rows,
		[700, 700, 0].map((next_offset, kafka_partition) => {
			return { kafka_partition, start_offset: 0, next_offset, gap_count: 0 };
		}),
		"from offset 0, the empty partition too",
	);
});

t.test("counting begins at the log start when older records were deleted", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const messages = await send(topic, messagesFor([0, 1, 2], 50));
	const starts = [10, 0, 50];
	await topic.deleteRecordsBefore(
		new Map([
			[0, 10],
			[2, 50],
		]),
	);
	await startEngine(t, { topic, database });
	const kept = messages.filter(({ partition, offset }) => offset >= starts[partition]!);
	await untilCounted(database.client, kept.length);
	await expectTables(t, database.client, oracle(kept));

	const { rows } = await database.client.query<{ start: number }>(
		"SELECT start_offset::int AS start FROM source_offsets ORDER BY kafka_partition",
	);
	t.same(
		rows.map(({ start }) => start),
		starts,
		"the offsets counting began at",
	);
	const more = await send(topic, messagesFor([0, 1, 2], 5));
	await untilCounted(database.client, kept.length + more.length);
	await expectTables(t, database.client, oracle([...kept, ...more]));
});

t.test("partitions that were added while no engine ran are counted from their first record", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	const before = await send(topic, messagesFor([0], 20));
	const first = await startEngine(t, { topic, database });
	await untilCounted(database.client, before.length);
	t.same(await first.stop(), { code: 0, signal: null }, "the first engine ends in peace");

	await topic.growTo(3);
	const after = await send(topic, messagesFor([0, 1, 2], 20));
	await startEngine(t, { topic, database });
	await untilCounted(database.client, before.length + after.length);
	await expectTables(t, database.client, oracle([...before, ...after]));
});
