/**
 * The broker compresses here what arrives plain, with the classes of the Java client: what it writes is what a Java
 * producer with that setting sends.
 */
import { randomBytes } from "node:crypto";
import kafkajs from "kafkajs";
import t from "tap";
import { registerCodecs } from "../../engine/kafka/codecs.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { chooseSeed, type StreamMessage, stream } from "../support/stream.ts";
import { createTopic, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** What is asked of the broker, and the number that its batches then carry. */
const COMPRESSIONS: readonly (readonly [codec: number, config: Readonly<Record<string, string>>])[] = [
	[1, { "compression.type": "gzip", "compression.gzip.level": "9" }],
	[2, { "compression.type": "snappy" }],
	[3, { "compression.type": "lz4" }],
	[3, { "compression.type": "lz4", "compression.lz4.level": "17" }],
	[4, { "compression.type": "zstd" }],
	// Its window, 8 MiB, is larger than any batch.
	[4, { "compression.type": "zstd", "compression.zstd.level": "19" }],
];
const EVENTS_EACH = 4_000;
const INCOMPRESSIBLE_BYTES = 300_000;

/** Counts how many batches of which compression this process has read: the proof that they are in the topic. */
function countingCodecs(): ReadonlyMap<number, number> {
	registerCodecs();
	const codecs = kafkajs.CompressionCodecs as Record<number, () => object>;
	const counts = new Map<number, number>();
	for (const type of [1, 2, 3, 4]) {
		const codec = codecs[type]!();
		codecs[type] = () => {
			counts.set(type, (counts.get(type) ?? 0) + 1);
			return codec;
		};
	}
	return counts;
}

async function configure(topic: TestTopic, config: Readonly<Record<string, string>>): Promise<void> {
	const entries = Object.entries({ "retention.ms": "-1", ...config }).map(([name, value]) => ({
		name,
		value,
	}));
	const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic.name };
	await topic.admin.alterConfigs({
		validateOnly: false,
		resources: [{ ...resource, configEntries: entries }],
	});
	await waitUntil(async () => {
		const { resources } = await topic.admin.describeConfigs({
			includeSynonyms: false,
			resources: [resource],
		});
		const held = new Map(
			resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]),
		);
		return Object.entries(config).every(([name, value]) => held.get(name) === value);
	});
}

t.test(
	"every compression is read: large batches, values that do not shrink, and all of it exactly",
	async (t) => {
		const seed = chooseSeed(t);
		const counts = countingCodecs();
		const database = await createDatabase(t);
		const topic = await createTopic(t, { partitions: 3 });
		const engine = await startEngine(t, { topic, database });
		const sent: StreamMessage[] = [];
		for (const [round, [, config]] of COMPRESSIONS.entries()) {
			await configure(topic, config);
			const noise = [1, 17, INCOMPRESSIBLE_BYTES].map((bytes) => ({ key: null, value: randomBytes(bytes) }));
			const messages = [
				...stream(seed + round, EVENTS_EACH),
				...noise,
				{ key: null, value: Buffer.alloc(200_000, 0x20) },
			];
			await send(topic, messages);
			sent.push(...messages);
		}
		await untilCaughtUp(engine);
		await expectExact(t, database.client, topic, sent);
		for (const codec of [1, 2, 3, 4])
			t.ok((counts.get(codec) ?? 0) >= 6, `${counts.get(codec)} batches with codec ${codec}`);
		t.same(
			engine.log.filter(({ level }) => level === "warn" || level === "error"),
			[],
		);
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);
