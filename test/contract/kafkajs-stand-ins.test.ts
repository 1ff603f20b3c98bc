/**
 * Positions of kafkajs when a whole record batch is one message to it, as the scanner makes it: what rows K10, K29 and K32
 * of docs/kafkajs.md rely on must hold for stand-ins as well. And row K40: the order in which
 * partitions are asked for.
 */
import t from "tap";
import { startReader } from "../support/source-reader.ts";
import { createTopic, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Batches of ten records, by the producer's own grouping. */
async function batchesOfTen(topic: TestTopic, batches: number): Promise<void> {
	for (let batch = 0; batch < batches; batch++) {
		await send(
			topic,
			Array.from({ length: 10 }, (_, i) => ({ value: `${batch}.${i}`, partition: 0 })),
		);
	}
}

t.test(
	"K41: a stand-in that is resolved moves the position behind it, and one that is not comes again",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		await batchesOfTen(topic, 3);
		let refused = 0;
		const reader = await startReader(t, topic, {
			decoder: "scanner",
			onBatch: (batch) => {
				if (refused++ < 2) return;
				batch.resolve();
			},
		});
		await waitUntil(() => reader.ranges.length >= 3);
		t.same(
			reader.ranges.slice(0, 3).map(({ from, to }) => [from, to]),
			[
				[0, 30],
				[0, 30],
				[0, 30],
			],
			"all three batches in one fetch, at the offset that was asked for",
		);
		await batchesOfTen(topic, 1);
		await waitUntil(() => reader.ranges.length >= 4);
		t.match(reader.ranges[3], { from: 30, to: 40, records: { length: 10 } });
	},
);

t.test("a seek into the middle of a batch delivers from there, forwards and backwards", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await batchesOfTen(topic, 2);
	const places = [17, 3, 9];
	const reader = await startReader(t, topic, {
		decoder: "scanner",
		startAt: () => 5,
		onBatch: (batch, { source }) => {
			batch.resolve();
			const next = places.shift();
			if (next !== undefined) source.seek(0, next);
		},
	});
	await waitUntil(() => reader.ranges.length >= 4);
	t.same(
		reader.ranges.map(({ from, to, records }) => [from, records[0]!.offset, records.length, to]),
		[
			[5, 5, 15, 20],
			[17, 17, 3, 20],
			[3, 3, 17, 20],
			[9, 9, 11, 20],
		],
	);
});

t.test("a pause holds the position, and a resume goes on there", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await batchesOfTen(topic, 1);
	const reader = await startReader(t, topic, {
		decoder: "scanner",
		onBatch: (batch, { source }) => {
			batch.resolve();
			source.pause([0]);
		},
	});
	await waitUntil(() => reader.ranges.length === 1);
	await batchesOfTen(topic, 2);
	// Each round of a consumer that has everything paused ends in a heartbeat; the high watermark says there is more.
	const before = await reader.source.watermarks();
	t.equal(before.get(0)?.high, 30);
	t.equal(reader.ranges.length, 1);
	reader.source.resume([0]);
	await waitUntil(() => reader.ranges.length === 2);
	t.match(reader.ranges[1], { from: 10, to: 30, records: { length: 20 } });
});

t.test(
	"K40: a batch larger than a fetch comes through while another partition has more and more",
	async (t) => {
		const topic = await createTopic(t, { partitions: 2 });
		await send(topic, [{ value: Buffer.alloc(700_000, 1), partition: 1 }]);
		const many = 60;
		const value = Buffer.alloc(100_000, 2);
		for (let i = 0; i < many; i++) await send(topic, [{ value, partition: 0 }]);
		// A sixteenth of this in an answer: 256 KiB.
		const reader = await startReader(t, topic, { decoder: "scanner", setBytesMax: 4 * 2 ** 20 });
		await waitUntil(() => reader.covered(0, 0) === many && reader.covered(1, 0) === 1);
		const place = reader.ranges.findIndex(({ partition }) => partition === 1);
		t.ok(place <= 1, `whoever was served goes behind: it came as number ${place} of ${reader.ranges.length}`);
	},
);
