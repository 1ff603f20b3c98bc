/**
 * kafkajs and offsets: seeks, positions outside of the log, fetches without records. Rows K10, K12, K13, K29, K32 and
 * K35 of docs/kafkajs.md.
 */
import { Kafka, logLevel } from "kafkajs";
import t, { type Test } from "tap";
import { patchBatch } from "../../engine/kafka/batch-patch.ts";
import { filledTopic, type RawConsumer, randomGroup, startRawConsumer } from "../support/raw-consumer.ts";
import { createTopic, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** kafkajs's names for "nothing committed" and "earliest". */
const NOTHING_COMMITTED = "-1";
const EARLIEST = "-2";

async function committedOffset(topic: TestTopic, groupId: string): Promise<string | undefined> {
	const [found] = await topic.admin.fetchOffsets({ groupId, topics: [topic.name] });
	return found?.partitions.find(({ partition }) => partition === 0)?.offset;
}

async function endOf(topic: TestTopic): Promise<number> {
	const [found] = await topic.admin.fetchTopicOffsets(topic.name);
	return Number(found?.high);
}

t.test(
	"K10: an offset beyond the log is silently replaced by the first one and committed, even with autoCommit off",
	async (t) => {
		const topic = await filledTopic(t, 1, 5);
		const raw = await startRawConsumer(t, topic, {
			onJoin: (one) => one.seek(0, 1_000),
		});
		await waitUntil(() => raw.delivered().length >= 5);
		t.same(raw.delivered(), [0, 1, 2, 3, 4]);
		t.equal(raw.batches[0]?.fetchedOffset, 0, "only the position of the batch tells of the jump");
		t.same(raw.crashes, []);
		t.equal(await committedOffset(topic, raw.groupId), EARLIEST);
	},
);

t.test(
	"K10: without fromBeginning it jumps to the end of the log instead, and says nothing at all",
	async (t) => {
		const topic = await filledTopic(t, 1, 5);
		const raw = await startRawConsumer(t, topic, {
			fromBeginning: false,
			onJoin: (one) => one.seek(0, 1_000),
		});
		await waitUntil(async () => (await committedOffset(topic, raw.groupId)) === NOTHING_COMMITTED, {
			what: "the commit of `latest`",
		});
		const rounds = raw.heartbeats;
		await waitUntil(() => raw.heartbeats > rounds + 1);
		t.same([raw.batches, raw.skips, raw.crashes], [[], [], []]);
		await send(topic, [{ value: "new", partition: 0 }]);
		await waitUntil(() => raw.batches.length > 0);
		t.equal(raw.batches[0]?.fetchedOffset, 5);
	},
);

t.test("K10: a log trimmed past the position jumps to its new start", async (t) => {
	const topic = await filledTopic(t, 1, 10);
	const raw = await startRawConsumer(t, topic, {
		onJoin: (one) => {
			one.pause(0);
			one.seek(0, 2);
		},
	});
	await topic.deleteRecordsBefore(new Map([[0, 6]]));
	raw.resume(0);
	await waitUntil(() => raw.delivered().length >= 4);
	t.same(raw.delivered(), [6, 7, 8, 9]);
	t.equal(raw.batches[0]?.fetchedOffset, 6);
	t.same(raw.crashes, []);
});

t.test("K12: a seek to -1, which is the end, goes to offset 0 with autoCommit off", async (t) => {
	const topic = await filledTopic(t, 1, 3);
	const raw = await startRawConsumer(t, topic, { onJoin: (one) => one.seek(0, -1) });
	await waitUntil(() => raw.batches.length > 0);
	t.same(raw.delivered(), [0, 1, 2]);
});

t.test("K13: a seek commits the sought offset with autoCommit on, and nothing with it off", async (t) => {
	const topic = await filledTopic(t, 1, 5);
	const expected = [
		[true, "3"],
		[false, NOTHING_COMMITTED],
	] as const;
	for (const [autoCommit, committed] of expected) {
		const raw = await startRawConsumer(t, topic, {
			run: { autoCommit, eachBatchAutoResolve: false },
			// Nothing is delivered, so that there is nothing else to commit.
			onJoin: (one) => {
				one.pause(0);
				one.seek(0, 3);
			},
		});
		const rounds = raw.heartbeats;
		await waitUntil(() => raw.heartbeats > rounds + 1);
		t.same(raw.batches, []);
		t.equal(await committedOffset(topic, raw.groupId), committed);
	}
});

/** Sends `values` in one transaction, which then ends as told, and returns when its marker is in the log: the broker answers before. */
async function transaction(t: Test, topic: TestTopic, values: readonly string[], how: "commit" | "abort") {
	const kafka = new Kafka({ clientId: "contract", brokers: [...topic.brokers], logLevel: logLevel.NOTHING });
	const producer = kafka.producer({
		transactionalId: randomGroup(),
		maxInFlightRequests: 1,
		idempotent: true,
	});
	await producer.connect();
	t.teardown(() => producer.disconnect());
	const begin = await endOf(topic);
	const open = await producer.transaction();
	for (const value of values) {
		await open.send({ topic: topic.name, messages: [{ value, partition: 0 }] });
	}
	await (how === "commit" ? open.commit() : open.abort());
	await waitUntil(async () => (await endOf(topic)) === begin + values.length + 1, { what: "the marker" });
}

/** What was handed over or skipped, as ranges [from, to) in the order in which they were fetched. */
function covered(raw: RawConsumer): number {
	const ranges = [
		...raw.batches.map(({ fetchedOffset, lastOffset }) => [fetchedOffset, lastOffset + 1] as const),
		...raw.skips.map(({ firstOffset, lastOffset }) => [firstOffset ?? Number.NaN, lastOffset + 1] as const),
	].sort(([a], [b]) => a - b);
	let next = 0;
	for (const [from, to] of ranges) {
		if (from !== next) throw new Error(`${JSON.stringify(ranges)} do not follow each other at ${next}`);
		next = to;
	}
	return next;
}

t.test(
	"K29, K32: an aborted transaction larger than a fetch never reaches eachBatch, and END_BATCH_PROCESS tells of it",
	async (t) => {
		patchBatch();
		const topic = await createTopic(t, { partitions: 1 });
		const large = Array.from({ length: 6 }, (_, i) => String(i).repeat(12_000));
		await transaction(t, topic, large, "abort");
		await transaction(t, topic, ["kept"], "commit");
		const raw = await startRawConsumer(t, topic, { config: { maxBytesPerPartition: 16 * 1024 } });
		await waitUntil(() => raw.batches.length > 0);
		t.same(raw.delivered(), [7], "six records and a marker lie before it");
		t.ok(raw.skips.length >= 2, `it took ${raw.skips.length} fetches to pass them`);
		t.same([raw.skips[0]?.firstOffset, raw.batches[0]!.fetchedOffset > 0], [0, true]);
		t.equal(await endOf(topic), 9, "both markers are offsets of the log");
		await waitUntil(() => covered(raw) === 9, {
			what: "the marker at the end of the log, without which a lag of 1 stays for ever",
		});
	},
);

t.test("K32: resolving the last record moves the position past the control records behind it", async (t) => {
	patchBatch();
	const topic = await createTopic(t, { partitions: 1 });
	await transaction(t, topic, ["a", "b"], "commit");
	await transaction(t, topic, ["c"], "abort");
	await transaction(t, topic, ["d"], "commit");
	const raw = await startRawConsumer(t, topic);
	await waitUntil(() => covered(raw) === 7);
	t.same(raw.delivered(), [0, 1, 5]);
	await send(topic, [{ value: "e", partition: 0 }]);
	await waitUntil(() => covered(raw) === 8);
});

t.test(
	"K35: an open transaction hides itself and what lies behind it, from consumers and from fetchTopicOffsets",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const kafka = new Kafka({
			clientId: "contract",
			brokers: [...topic.brokers],
			logLevel: logLevel.NOTHING,
		});
		const producer = kafka.producer({
			transactionalId: randomGroup(),
			maxInFlightRequests: 1,
			idempotent: true,
		});
		await producer.connect();
		t.teardown(() => producer.disconnect());
		const open = await producer.transaction();
		await open.send({ topic: topic.name, messages: [{ value: "open", partition: 0 }] });
		await send(topic, [{ value: "behind", partition: 0 }]);
		const raw = await startRawConsumer(t, topic);
		const rounds = raw.heartbeats;
		await waitUntil(() => raw.heartbeats > rounds + 1);
		t.same([raw.batches, raw.skips], [[], []]);
		t.equal(
			await endOf(topic),
			0,
			"the end of the log is where the open transaction begins, so that there is no lag",
		);
		await open.commit();
		await waitUntil(() => raw.delivered().length === 2);
		t.same(raw.delivered(), [0, 1]);
		t.equal(await endOf(topic), 3);
	},
);

t.test(
	"K29: what compaction has taken out of a batch is skipped from the offset that was asked for",
	async (t) => {
		patchBatch();
		const topic = await createTopic(t, {
			partitions: 1,
			config: {
				"cleanup.policy": "compact",
				"segment.ms": "60000",
				"min.cleanable.dirty.ratio": "0.001",
				"min.compaction.lag.ms": "0",
				"delete.retention.ms": "0",
			},
		});
		await compactSoon(t, topic);
		// A segment ends when a record is a minute younger; only ended ones are compacted. Of each batch of two the second
		// record goes, and the batch keeps its range.
		const at = (minute: number) => Date.UTC(2025, 0, 1) + minute * 120_000;
		const batches = 8;
		for (let i = 0; i < batches; i++) {
			const timestampMs = at(i);
			await send(topic, [
				{ key: `own ${i}`, value: "kept", partition: 0, timestampMs },
				{ key: "same", value: "replaced", partition: 0, timestampMs },
			]);
		}
		const last = 2 * batches - 1;
		const reader = await waitUntil(
			async () => {
				// So few bytes that each fetch brings one batch.
				const one = await startRawConsumer(t, topic, { config: { maxBytesPerPartition: 1 } });
				await waitUntil(() => one.delivered().includes(last));
				await one.consumer.disconnect();
				return one.delivered().length < last ? one : null;
			},
			{ what: "compaction", everyMs: 250 },
		);
		t.ok(reader.skips.length > 0, "the ends of batches, without a record");
		t.equal(reader.skips[0]?.firstOffset, 1, "by engine/kafka/batch-patch.ts: kafkajs itself says null here");
		t.equal(covered(reader), last + 1, "hole or not, ranges follow each other");
	},
);

/** The cleaner looks every 15 s; for this test sooner. The setting is the broker's own and taken back at the end. */
async function compactSoon(t: Test, topic: TestTopic): Promise<void> {
	const { brokers } = await topic.admin.describeCluster();
	const set = (value: string): Promise<unknown> =>
		topic.admin.alterConfigs({
			validateOnly: false,
			resources: brokers.map(({ nodeId }) => ({
				type: 4,
				name: String(nodeId),
				configEntries: [{ name: "log.cleaner.backoff.ms", value }],
			})),
		});
	await set("100");
	t.teardown(async () => void (await set("15000")));
}
