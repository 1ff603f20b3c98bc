/**
 * Transactional producers: what is aborted was never sent, what is committed is counted once, and the offsets that hold
 * no record for us (markers, aborted records) are gaps that leave no lag behind.
 */
import { randomBytes } from "node:crypto";
import { Partitioners, type Producer, type Transaction } from "kafkajs";
import t, { type Test } from "tap";
import { createKafka } from "../../engine/kafka/client.ts";
import { createLog } from "../../engine/log.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { chooseSeed, type StreamMessage, stream } from "../support/stream.ts";
import { createTopic, kafkaClient, send } from "../support/topic.ts";

const silentLog = createLog({ level: "silent", format: "json" });
const PARTITIONS = 2;
/** 64 KiB are fetched at once; this is five times as much in each partition. */
const LARGE = 5_000;

async function transactionalProducer(t: Test): Promise<Producer> {
	const producer = kafkaClient().kafka.producer({
		transactionalId: `test-${randomBytes(6).toString("hex")}`,
		idempotent: true,
		maxInFlightRequests: 1,
		allowAutoTopicCreation: false,
		createPartitioner: Partitioners.DefaultPartitioner,
	});
	await producer.connect();
	t.teardown(() => producer.disconnect());
	return producer;
}

/** kafkajs groups messages in quadratic time per partition. */
const PER_SEND = 1_000;

/** One transaction; `end` decides. */
async function transact(
	producer: Producer,
	topic: string,
	messages: readonly StreamMessage[],
	end: "commit" | "abort",
): Promise<void> {
	const transaction = await producer.transaction();
	for (let at = 0; at < messages.length; at += PER_SEND) {
		await transaction.send({ topic, acks: -1, messages: messages.slice(at, at + PER_SEND) });
	}
	await transaction[end]();
}

t.test("commits and aborts larger than a fetch are counted, or skipped, exactly", async (t) => {
	const seed = chooseSeed(t);
	const topic = await createTopic(t, { partitions: PARTITIONS });
	const database = await createDatabase(t);
	const producer = await transactionalProducer(t);
	const messages = stream(seed, 5 * LARGE);
	const acknowledged: StreamMessage[] = [];
	let at = 0;
	const next = (count: number): readonly StreamMessage[] => {
		at += count;
		return messages.slice(at - count, at);
	};
	const engine = await startEngine(t, { topic, database });

	// Small ones in between, and two aborted ones behind each other; markers stand everywhere, and at the end.
	const plan = [
		["commit", 10],
		["abort", LARGE],
		["commit", LARGE],
		["abort", 1],
		["abort", LARGE],
		["commit", 1],
		["abort", LARGE],
	] as const;
	for (const [end, count] of plan) {
		const part = next(count);
		await transact(producer, topic.name, part, end);
		if (end === "commit") acknowledged.push(...part);
	}
	const plain = next(100);
	await send(topic, plain);
	acknowledged.push(...plain);
	const last = next(7);
	await transact(producer, topic.name, last, "commit");
	acknowledged.push(...last);

	await untilCounted(database.client, acknowledged.length);
	await untilCaughtUp(engine);
	await expectExact(t, database.client, topic, acknowledged);
	const { rows } = await database.client.query<{ gaps: number; next: number }>(
		"SELECT sum(gap_count)::int AS gaps, sum(next_offset)::int AS next FROM source_offsets",
	);
	const ends = await topic.admin.fetchTopicOffsets(topic.name);
	t.equal(
		rows[0]!.next,
		ends.reduce((sum, { high }) => sum + Number(high), 0),
		"every offset up to the end of the log is accounted for",
	);
	t.equal(rows[0]!.gaps, rows[0]!.next - acknowledged.length, "what is no record of ours is a gap");
	const lag = [0, 1].map(async (partition) =>
		metricValue(await engine.metrics(), "engine_consumer_lag", {
			topic: topic.name,
			partition: String(partition),
		}),
	);
	t.same(await Promise.all(lag), [0, 0]);
	const troubled = engine.log.filter(({ level }) => level === "warn" || level === "error");
	t.same(troubled, [], "no position was lost, nothing was rebuilt");
	t.same(await engine.stop(), { code: 0, signal: null });

	const again = await startEngine(t, { topic, database, label: "again" });
	await untilCaughtUp(again);
	await expectExact(t, database.client, topic, acknowledged);
	t.same(await again.stop(), { code: 0, signal: null });
});

t.test("aborted transactions that overlap in one partition leave nothing behind", async (t) => {
	const seed = chooseSeed(t);
	const topic = await createTopic(t, { partitions: 1 });
	const database = await createDatabase(t);
	const [early, late, other] = await Promise.all([1, 2, 3].map(() => transactionalProducer(t)));
	const messages = stream(seed, 8_000);
	const share = (part: number): readonly StreamMessage[] => messages.slice(part * 1_000, (part + 1) * 1_000);
	const sending = (transaction: Transaction, part: number) =>
		transaction.send({ topic: topic.name, acks: -1, messages: [...share(part)] });

	// The one that begins first is aborted last, so that the broker lists it last; several fetches begin within both.
	const first = await early!.transaction();
	await sending(first, 0);
	const second = await late!.transaction();
	const third = await other!.transaction();
	for (const part of [1, 2]) {
		await sending(second, part);
		await sending(third, part + 2);
		await sending(first, part + 4);
	}
	// A key that looks like the marker of an abort.
	await first.send({ topic: topic.name, messages: [{ key: Buffer.alloc(4), value: "aborted" }] });
	await sending(first, 7);
	await second.abort();
	await first.abort();
	await third.commit();
	const committed = [...share(3), ...share(4)];

	const engine = await startEngine(t, { topic, database });
	await untilCaughtUp(engine);
	// In this process kafkajs has its patches too.
	createKafka({ brokers: topic.brokers, clientId: "test", ssl: false, sasl: null }, silentLog);
	await expectExact(t, database.client, topic, committed);
	const { rows } = await database.client.query(
		"SELECT (stored_count + dead_letter_count)::int AS counted, next_offset::int AS next FROM source_offsets",
	);
	const [end] = await topic.admin.fetchTopicOffsets(topic.name);
	t.same(rows, [{ counted: committed.length, next: Number(end!.high) }]);
	t.same(await engine.stop(), { code: 0, signal: null });
});

t.test(
	"an open transaction holds back what stands behind it, and nothing is lost when it ends",
	async (t) => {
		const seed = chooseSeed(t);
		const topic = await createTopic(t, { partitions: 1 });
		const database = await createDatabase(t);
		const producer = await transactionalProducer(t);
		const messages = stream(seed, 400);
		const engine = await startEngine(t, { topic, database });
		await send(topic, messages.slice(0, 100));
		const transaction = await producer.transaction();
		await transaction.send({ topic: topic.name, acks: -1, messages: messages.slice(100, 200) });
		await send(topic, messages.slice(200, 300));
		await untilCounted(database.client, 100);
		const { partitions } = await engine.status();
		t.match(partitions, [{ state: "running", pausedReasons: [] }]);
		await transaction.abort();
		await send(topic, messages.slice(300));
		await untilCounted(database.client, 300);
		await untilCaughtUp(engine);
		await expectExact(t, database.client, topic, [...messages.slice(0, 100), ...messages.slice(200)]);
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);
