/** The truth about what is counted is in Postgres: the group's name and its offsets in Kafka have no say in it. */
import t, { type Test } from "tap";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type EngineProcess, spawnEngine, startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { ticket } from "../support/lottery-event.ts";
import { oracle } from "../support/oracle.ts";
import { createTopic, type OutgoingMessage, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `EXIT.configuration` of engine/exit-codes.ts, as documented. */
const EXIT_CONFIGURATION = 78;

function tickets(count: number): OutgoingMessage[] {
	return Array.from({ length: count }, (_, i) => {
		const user = `user_${i % 13}`;
		return { key: user, value: ticket({ user, session: i, time: `2025-06-01T1${i % 3}:00:00Z` }) };
	});
}

t.test("a second group name on the same database goes on where the first one stopped", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const first = await startEngine(t, { topic, database, groupId: `${topic.name}-a`, label: "first" });
	const messages = await send(topic, tickets(300));
	await untilCounted(database.client, messages.length);
	t.same(await first.stop(), { code: 0, signal: null }, "the first group ends in peace");

	messages.push(...(await send(topic, tickets(200))));
	await startEngine(t, { topic, database, groupId: `${topic.name}-b`, label: "second" });
	await untilCounted(database.client, messages.length);
	messages.push(...(await send(topic, tickets(100))));
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
});

t.test("two groups that read at the same time count everything once", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 3 });
	const engines: EngineProcess[] = [];
	for (const group of ["a", "b"]) {
		engines.push(
			await startEngine(t, { topic, database, groupId: `${topic.name}-${group}`, label: `group ${group}` }),
		);
	}
	const messages = [];
	for (let wave = 0; wave < 10; wave++) {
		messages.push(...(await send(topic, tickets(200))));
		await untilCounted(database.client, messages.length - 200, { deadlineMs: 120_000 });
	}
	await untilCounted(database.client, messages.length, { deadlineMs: 120_000 });
	await expectTables(t, database.client, oracle(messages));
	for (const engine of engines)
		t.match((await engine.status()).state, /^(running|recovering)$/, "it lives on");
});

/** Sets the offsets of a group without members, or removes them, and sees to it that Kafka now says so. */
async function tamper(topic: TestTopic, groupId: string, offset: number | "delete"): Promise<void> {
	const { admin, name } = topic;
	const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({
		partition,
		offset: String(offset),
	}));
	const change = async () => {
		if (offset === "delete") await admin.deleteGroups([groupId]);
		else await admin.setOffsets({ groupId, topic: name, partitions });
		const [told] = await admin.fetchOffsets({ groupId, topics: [name] });
		const wanted = offset === "delete" ? "-1" : String(offset);
		return told?.partitions.every((one) => one.offset === wanted);
	};
	// The member that left is still in the group for a moment.
	await waitUntil(change, { what: `the group's offsets to be ${offset}` });
}

t.test("offsets of the group in Kafka that are deleted, zero, or far away have no effect", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	const groupId = `${topic.name}-group`;
	const messages = [];
	for (const offset of ["delete", 0, 1_000_000] as const) {
		const engine = await startEngine(t, { topic, database, groupId });
		messages.push(...(await send(topic, tickets(100))));
		await untilCounted(database.client, messages.length);
		t.same(await engine.stop(), { code: 0, signal: null }, "it ends in peace");
		await tamper(topic, groupId, offset);
	}
	await startEngine(t, { topic, database, groupId });
	messages.push(...(await send(topic, tickets(100))));
	await untilCounted(database.client, messages.length);
	await expectTables(t, database.client, oracle(messages));
});

t.test("the offsets in Kafka are told for lag tools, and are never ahead of Postgres", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 2 });
	const engine = await startEngine(t, { topic, database });
	const messages = await send(topic, tickets(150));
	await untilCounted(database.client, messages.length);
	t.same(await engine.stop(), { code: 0, signal: null });
	const [told] = await topic.admin.fetchOffsets({ groupId: topic.name, topics: [topic.name] });
	const { rows } = await database.client.query<{ partition: number; offset: string }>(
		"SELECT kafka_partition AS partition, next_offset AS offset FROM source_offsets ORDER BY 1",
	);
	t.same(
		told?.partitions
			.map(({ partition, offset }) => ({ partition, offset }))
			.toSorted((a, b) => a.partition - b.partition),
		rows,
		"at the end they are equal",
	);
});

/** A database that has counted a message of `topic`. */
async function countedDatabase(t: Test, topic: TestTopic): Promise<TestDatabase> {
	const database = await createDatabase(t);
	const engine = await startEngine(t, { topic, database });
	await send(topic, tickets(10));
	await untilCounted(database.client, 10);
	await engine.stop();
	return database;
}

/** What both refusals have in common. */
async function expectRefusal(t: Test, engine: EngineProcess, ...words: readonly string[]): Promise<void> {
	t.same(
		await engine.exited,
		{ code: EXIT_CONFIGURATION, signal: null },
		"it ends, as a matter of configuration",
	);
	const said = [...engine.log.map(({ msg }) => msg), ...engine.errors].join("\n");
	for (const word of words) t.ok(said.includes(word), `it says ${word}`);
}

t.test("another topic on the same database is refused, and nothing of it is stored", async (t) => {
	const topic = await createTopic(t, { partitions: 2 });
	const other = await createTopic(t, { partitions: 2 });
	const database = await countedDatabase(t, topic);
	await send(other, tickets(50));
	await expectRefusal(
		t,
		spawnEngine(t, { topic: other, database }),
		topic.name,
		other.name,
		"another database",
		"DATABASE_URL",
	);
	const { rows } = await database.client.query(
		"SELECT topic, sum(stored_count)::int AS n FROM source_offsets GROUP BY 1",
	);
	t.same(rows, [{ topic: topic.name, n: 10 }], "the tables are as they were");
});

t.test("the same topic on another cluster is refused", async (t) => {
	const topic = await createTopic(t, { partitions: 2 });
	const database = await countedDatabase(t, topic);
	const { clusterId } = await topic.admin.describeCluster();
	await database.client.query("UPDATE ledger SET cluster_id = 'a-cluster-before'");
	await send(topic, tickets(50));
	await expectRefusal(
		t,
		spawnEngine(t, { topic, database }),
		clusterId,
		"a-cluster-before",
		"another database",
		"DATABASE_URL",
	);
	const { rows } = await database.client.query("SELECT count(*)::int AS n FROM events");
	t.same(rows, [{ n: 10 }], "the tables are as they were");
});
