/** The load sender of perf/ on the real broker: what it says it sent is what the topic holds, and when it became visible. */
import { Partitioners } from "kafkajs";
import t from "tap";
import { type LoadContent, recordsOf, USUAL_CONTENT } from "../../perf/support/load/content.ts";
import { fill } from "../../perf/support/load/fill.ts";
import { type LoadRequest, startLoad } from "../../perf/support/load/load.ts";
import { createDatabase } from "../support/database.ts";
import { readTopic } from "../support/read-topic.ts";
import { createTopic, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Keys and values of a content by the partition that kafkajs would choose. */
function expected(content: LoadContent, partitions: number): string[][] {
	const partitionOf = Partitioners.DefaultPartitioner();
	const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
		partitionErrorCode: 0,
		partitionId,
		leader: 0,
		replicas: [],
		isr: [],
	}));
	const all: string[][] = partitionMetadata.map(() => []);
	const counts = { records: 0, bad: 0 };
	for (const _ of recordsOf(content, counts, (bytes, keyStart, keyEnd, from, to) => {
		const key = bytes.subarray(keyStart, keyEnd);
		const partition = partitionOf({ topic: "t", partitionMetadata, message: { key, value: null } });
		all[partition]!.push(`${key} ${bytes.toString("latin1", from, to)}`);
	}));
	return all;
}

async function held(topic: TestTopic): Promise<string[][]> {
	const all: string[][] = Array.from({ length: topic.partitions }, () => []);
	const messages = (await readTopic(topic)).toSorted((a, b) => a.offset - b.offset);
	for (const { partition, offset, key, value } of messages) {
		if (all[partition]!.push(`${key} ${value?.toString("latin1")}`) !== offset + 1)
			t.fail(`a gap at ${offset}`);
	}
	return all;
}

const at = ({ name, brokers }: TestTopic) => ({ brokers: brokers.join(","), topic: name });

t.test("filling puts exactly the content into the partitions of its keys, in its order", async (t) => {
	const topic = await createTopic(t, { partitions: 3 });
	const filled = await fill({ ...at(topic), content: { events: 7_000 }, recordsPerBatch: 100 });
	const wanted = expected({ ...USUAL_CONTENT, events: 7_000 }, 3);
	t.match(filled, { events: 7_000, bad: 0, endOffsets: wanted.map(({ length }) => length) });
	t.strictSame(await held(topic), wanted);
});

t.test("what a broker refuses ends the filling and says why", async (t) => {
	const topic = await createTopic(t, { partitions: 1, config: { "max.message.bytes": "2000" } });
	await t.rejects(
		fill({ ...at(topic), content: { events: 1_000 } }),
		/how much of it Kafka has is unknown: error 10 /,
	);
	await t.rejects(fill({ ...at(topic), topic: "no-such-topic", content: { events: 1 } }), /topic/);
});

t.test("what the broker holds before is left alone, and somebody else who sends is found out", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await send(topic, [{ value: "before" }]);
	const load = await start(t, { ...at(topic), topRatePerSecond: 1_000, content: { events: 500 } });
	await load.setRate(1_000);
	await waitUntil(() => load.progress().acknowledged > 100);
	await send(topic, [{ value: "somebody else's" }]);
	const failure = await waitUntil(() =>
		load.report().then(
			() => null,
			(error: Error) => error,
		),
	);
	t.match(failure.message, /somebody else sends to this topic/);
	t.throws(() => load.progress(), /somebody else/);
});

t.test("a rate is held, every event is acknowledged once and measured until it is committed", async (t) => {
	const topic = await createTopic(t, { partitions: 2 });
	const { client, settings } = await createDatabase(t);
	const { user, password, host, port, database } = settings;
	const databaseUrl = `postgres://${user}:${password ?? ""}@${host}:${port}/${database}`;
	const load = await start(t, {
		...at(topic),
		topRatePerSecond: 2_000,
		databaseUrl,
		content: { events: 700 },
	});
	await load.setRate(2_000);
	await waitUntil(() => load.progress().acknowledged > 500);
	const { due: before } = await load.report();
	await load.window("measured");
	const { due: after } = await load.report();
	// The table comes late, as in life; until then nothing is visible, and nothing fails.
	await client.query("CREATE TABLE source_offsets (topic text, kafka_partition int, next_offset bigint)");
	await client.query("INSERT INTO source_offsets VALUES ($1, 0, 0), ($1, 1, 0), ('other', 0, 1000000)", [
		topic.name,
	]);
	await waitUntil(() => load.progress().due > after + 1_000, { what: "a second round of the pool" });
	await load.window(null);
	await load.setRate(0);
	const all = await waitUntil(async () => {
		const report = await load.report();
		return report.acknowledged === report.due && report;
	});
	t.equal(all.invisible, all.due, "nothing is committed yet");
	t.strictSame(
		(await held(topic)).map(({ length }) => length),
		all.endOffsets,
	);

	// The half of it, not yet committed, is seen by nobody.
	await client.query("BEGIN");
	await client.query("UPDATE source_offsets SET next_offset = $2 WHERE topic = $1 AND kafka_partition = 0", [
		topic.name,
		all.endOffsets[0],
	]);
	const { polls } = await load.report();
	await waitUntil(async () => (await load.report()).polls > polls + 3);
	t.equal(load.progress().invisible, all.due);
	await client.query("COMMIT");
	await waitUntil(() => load.progress().invisible === all.endOffsets[1]);
	await t.rejects(
		load.finish(1),
		/not settled within 0.001 s: \d+ events were due, \d+ are acknowledged, \d+ not/,
	);
	const finishing = load.finish(30_000);
	await client.query("UPDATE source_offsets SET next_offset = $2 WHERE topic = $1 AND kafka_partition = 1", [
		topic.name,
		all.endOffsets[1],
	]);
	const { distributions, invisible, acknowledged } = await finishing;
	t.strictSame([invisible, acknowledged], [0, all.due]);
	t.equal(distributions.length, 1);
	const [measured] = distributions;
	t.equal(measured?.name, "measured");
	t.ok(measured!.count >= 1_000 && measured!.count <= acknowledged - before, String(measured?.count));
	t.ok(measured!.buckets[0]!.atMost > 1, "they waited for us");
});

t.test("a database that goes away and comes back is read again", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	const { client, settings } = await createDatabase(t);
	const { user, password, host, port, database } = settings;
	await client.query("CREATE TABLE source_offsets (topic text, kafka_partition int, next_offset bigint)");
	const databaseUrl = `postgres://${user}:${password ?? ""}@${host}:${port}/${database}`;
	const load = await start(t, {
		...at(topic),
		topRatePerSecond: 1_000,
		databaseUrl,
		content: { events: 500 },
	});
	await load.setRate(1_000);
	await waitUntil(async () => load.progress().acknowledged > 10 && (await load.report()).polls > 0);
	const ended = await client.query(
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lottery-perf-latency' AND datname = current_database()",
	);
	t.equal(ended.rowCount, 1);
	await client.query("INSERT INTO source_offsets VALUES ($1, 0, 1000000)", [topic.name]);
	t.match(await load.finish(30_000), { invisible: 0 });
});

async function start(t: { teardown(handler: () => Promise<void>): void }, request: LoadRequest) {
	const load = await startLoad(request);
	t.teardown(() => load.stop());
	return load;
}
