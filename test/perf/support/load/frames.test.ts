import { Partitioners } from "kafkajs";
import t from "tap";
import { type LoadContent, recordsOf, USUAL_CONTENT } from "../../../../perf/support/load/content.ts";
import { framesOf } from "../../../../perf/support/load/frames.ts";
import { stampBatch } from "../../../../perf/support/load/record-batch.ts";
import { type ReadRecord, readBatch } from "./read-batch.ts";

const PARTITIONS = 5;

/** All records of a cut stream, by partition, and how many events each frame says it has. */
async function cut(content: LoadContent, eventsPerFrame: number) {
	const frames = [...framesOf(content, PARTITIONS, eventsPerFrame)];
	const partitions: ReadRecord[][] = Array.from({ length: PARTITIONS }, () => []);
	for (const { events, batches } of frames) {
		t.equal(
			batches.reduce((sum, { records }) => sum + records, 0),
			events,
		);
		for (const batch of batches) {
			stampBatch(batch, batch.bytes, 0, 0);
			partitions[batch.partition]!.push(...(await readBatch(batch.bytes)));
		}
	}
	return { frames, partitions };
}

t.test(
	"every record is in the partition of its key, in its order, and frames hold what they say",
	async (t) => {
		const content = { ...USUAL_CONTENT, events: 2_345 };
		const { frames, partitions } = await cut(content, 100);
		t.strictSame(
			frames.map(({ events }) => events),
			[...Array.from({ length: 23 }, () => 100), 45],
		);
		const partitionOf = Partitioners.DefaultPartitioner();
		const partitionMetadata = Array.from({ length: PARTITIONS }, (_, partitionId) => ({
			partitionErrorCode: 0,
			partitionId,
			leader: 0,
			replicas: [],
			isr: [],
		}));
		const wanted: string[][] = Array.from({ length: PARTITIONS }, () => []);
		for (const _ of recordsOf(content, { records: 0, bad: 0 }, (bytes, keyStart, keyEnd, from, to) => {
			const message = { key: Buffer.from(bytes.subarray(keyStart, keyEnd)), value: null };
			wanted[partitionOf({ topic: "t", partitionMetadata, message })]!.push(
				bytes.toString("latin1", from, to),
			);
		}));
		t.strictSame(
			partitions.map((records) => records.map(({ value }) => value.toString("latin1"))),
			wanted,
		);
	},
);

t.test("records without a key go round the partitions", async (t) => {
	const { partitions } = await cut({ ...USUAL_CONTENT, events: 3_000, badRatio: 0.9 }, 500);
	const keyless = partitions.map((records) => records.filter(({ key }) => key === null).length);
	t.ok(Math.min(...keyless) > 0);
	t.ok(Math.max(...keyless) - Math.min(...keyless) <= 1, String(keyless));
});

t.test("no batch is larger than a broker takes by default", async (t) => {
	const content = { ...USUAL_CONTENT, events: 20_000, paddingBytes: 2_000, hotUserShare: 0.9 };
	const [frame] = framesOf(content, PARTITIONS, 20_000);
	t.equal(frame?.events, 20_000);
	t.ok(frame!.batches.length > 20);
	for (const { bytes } of frame!.batches) if (bytes.length > 1_048_588) t.fail(`${bytes.length} bytes`);
	t.end();
});
