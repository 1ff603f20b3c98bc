/**
 * Every kind of record batch that a real broker holds, read by the scanner and by kafkajs's own decoder: the same records
 * to the last byte, and the same offsets covered. What it compresses it compresses with the classes of the Java client.
 */
import kafkajs, { Partitioners, type Producer } from "kafkajs";
import t, { type Test } from "tap";
import { randomGroup } from "../support/raw-consumer.ts";
import { type SourceReader, startReader } from "../support/source-reader.ts";
import { chooseSeed, stream } from "../support/stream.ts";
import { createTopic, kafkaClient, type OutgoingMessage, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

async function endsOf(topic: TestTopic): Promise<Map<number, number>> {
	const offsets = await topic.admin.fetchTopicOffsets(topic.name);
	return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
}

/** Read by both from `startAt` to the end of every partition, and compared. */
async function readByBoth(t: Test, topic: TestTopic, startAt = (_partition: number) => 0) {
	const ends = await endsOf(topic);
	const readers: SourceReader[] = [];
	for (const decoder of ["scanner", "kafkajs"] as const) {
		const reader = await startReader(t, topic, { decoder, startAt });
		await waitUntil(
			() => [...ends].every(([partition, end]) => reader.covered(partition, startAt(partition)) >= end),
			{ what: `the end of the topic, read by ${decoder}` },
		);
		await reader.source.stop();
		readers.push(reader);
	}
	const [scanner, other] = readers as [SourceReader, SourceReader];
	t.same([...scanner.unreadable, ...other.unreadable], []);
	for (const [partition, end] of ends) {
		t.same(scanner.records(partition), other.records(partition), `partition ${partition}`);
		t.equal(scanner.covered(partition, startAt(partition)), end);
	}
	return scanner;
}

async function configure(topic: TestTopic, config: Readonly<Record<string, string>>): Promise<void> {
	const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic.name };
	const entries = {
		"retention.ms": "-1",
		"message.timestamp.after.max.ms": "9223372036854775807",
		...config,
	};
	const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }));
	await topic.admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
	await waitUntil(async () => {
		const { resources } = await topic.admin.describeConfigs({
			includeSynonyms: false,
			resources: [resource],
		});
		const held = new Map(resources[0]!.configEntries.map((one) => [one.configName, one.configValue]));
		return Object.entries(config).every(([name, value]) => held.get(name) === value);
	});
}

/** What strains a decoder: nothing at all, emptiness, headers of every name, all sizes of numbers. */
const ODD: readonly OutgoingMessage[] = [
	{ key: null, value: null },
	{ key: "", value: "" },
	{ key: "only a key", value: null },
	{
		key: null,
		value: "headers",
		headers: { a: ["1", "2"], constructor: "c", ["__proto__x"]: "", "n\u0000": "z" },
	},
	{ key: Buffer.from([0, 255, 128]), value: Buffer.alloc(100_000, 7), headers: { big: "x".repeat(9_000) } },
	...[0, 1, 63, 64, 127, 128, 8_191, 8_192].map((bytes) => ({
		key: "k".repeat(bytes),
		value: "v".repeat(bytes),
	})),
].map((message, i) => ({ ...message, partition: i % 2 }));

t.test("every compression, the broker's own time, large batches and single records", async (t) => {
	const seed = chooseSeed(t);
	const topic = await createTopic(t, { partitions: 2 });
	let sent = 0;
	for (const [round, compression] of ["producer", "gzip", "snappy", "lz4", "zstd"].entries()) {
		const timeOf = round % 2 === 0 ? "CreateTime" : "LogAppendTime";
		await configure(topic, { "compression.type": compression, "message.timestamp.type": timeOf });
		const far = [1, 2 ** 27, 2 ** 41].map((timestampMs) => ({
			key: null,
			value: "old",
			partition: 0,
			timestampMs,
		}));
		const messages = [...stream(seed + round, 1_500), ...ODD, ...far];
		sent += (await send(topic, messages)).length;
		for (const value of ["one", "two"]) sent += (await send(topic, [{ value, partition: 1 }])).length;
	}
	const scanner = await readByBoth(t, topic);
	t.equal(scanner.records(0).length + scanner.records(1).length, sent);
	const ends = await endsOf(topic);
	await readByBoth(t, topic, (partition) => Math.floor((ends.get(partition)! * (seed % 97)) / 97));
});

async function transactional(t: Test): Promise<Producer> {
	const producer = kafkaClient().kafka.producer({
		...{ transactionalId: randomGroup(), idempotent: true, maxInFlightRequests: 1 },
		createPartitioner: Partitioners.DefaultPartitioner,
	});
	await producer.connect();
	t.teardown(() => producer.disconnect());
	return producer;
}

t.test("transactions that overlap, committed and aborted, smaller and larger than a fetch", async (t) => {
	const seed = chooseSeed(t);
	const topic = await createTopic(t, { partitions: 1 });
	const producers = await Promise.all([1, 2, 3].map(() => transactional(t)));
	const messages = stream(seed, 6_000);
	let at = 0;
	const next = (count: number) => {
		at += count;
		return { topic: topic.name, messages: messages.slice(at - count, at).map(plain) };
	};
	let committed = 0;
	let sent = 0;
	let markers = 0;
	for (const ends of ["cac", "aca", "aac"]) {
		const open = [];
		for (const producer of producers) open.push(await producer.transaction());
		for (const count of [3, 600]) for (const one of open) await one.send({ ...next(count), acks: -1 });
		for (const [i, one] of open.entries()) {
			sent += 603;
			markers++;
			if (ends[i] === "c") committed += 603;
			await (ends[i] === "c" ? one.commit() : one.abort());
		}
		await send(topic, [{ key: Buffer.alloc(4), value: "like a marker" }]);
		sent++;
		committed++;
	}
	// The broker answers a commit before its marker is in the log, and an end is told only up to an open transaction.
	const size = sent + markers;
	await waitUntil(async () => (await endsOf(topic)).get(0) === size, { what: "the markers" });
	const scanner = await readByBoth(t, topic);
	t.equal(scanner.records(0).length, committed);
	for (const from of [2, 700, 2_500]) await readByBoth(t, topic, () => from);
});

function plain({
	key,
	value,
}: {
	readonly key: Buffer | string | null;
	readonly value: Buffer | string | null;
}) {
	return { key, value };
}
