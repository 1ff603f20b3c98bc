/**
 * kafkajs and its group: joins, assignments, sessions. Rows K3, K7 to K9, K14, K24, K25 and K31 of docs/kafkajs.md.
 */
import type { EachBatchPayload } from "kafkajs";
import t from "tap";
import { filledTopic, placedBy, randomGroup, startRawConsumer } from "../support/raw-consumer.ts";
import { createTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test(
	"K7: a member held up in its handler loses its partitions to another one, and does not know",
	async (t) => {
		const topic = await filledTopic(t, 2, 3);
		const groupId = randomGroup();
		const quick = { sessionTimeout: 1_500, rebalanceTimeout: 1_500 };
		let release = (): void => {};
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		const first = await startRawConsumer(t, topic, { groupId, config: quick, eachBatch: () => held });
		await waitUntil(() => first.batches.length === 1);
		const second = await startRawConsumer(t, topic, { groupId, config: quick });
		await waitUntil(() => second.joins.some((partitions) => partitions.length === 2), {
			what: "all partitions for the second member",
		});
		t.same(first.joins, [[0, 1]], "the first has heard of nothing");
		t.same(
			first.events.filter((name) => name === "consumer.rebalancing"),
			[],
		);
		t.equal(first.batches.length, 1, "and gets nothing of its other partition either");
		release();
		await waitUntil(() => first.joins.length > 1, { what: "the first member's return" });
	},
);

t.test("K8: a resolveOffset kept from before a join moves the position after it", async (t) => {
	const topic = await filledTopic(t, 1, 10);
	const groupId = randomGroup();
	const place = placedBy(topic.name, "first", () => ({ first: [0] }));
	const kept: EachBatchPayload["resolveOffset"][] = [];
	const first = await startRawConsumer(t, topic, {
		groupId,
		config: { partitionAssigners: [place] },
		onJoin: (one) => {
			if (one.joins.length === 2) kept[0]!("6");
		},
		eachBatch: async ({ resolveOffset }) => void kept.push(resolveOffset),
	});
	await waitUntil(() => kept.length > 0);
	await startRawConsumer(t, topic, {
		groupId,
		config: { partitionAssigners: [placedBy(topic.name, "second", () => ({}))] },
	});
	await waitUntil(() => first.joins.length === 2);
	await waitUntil(() => first.batches.some(({ fetchedOffset }) => fetchedOffset === 7), {
		what: "a batch from behind the offset of the old batch",
	});
});

t.test(
	"K8: a resolveOffset kept from before the loss of a topic throws, but not when the assigner still names the topic",
	async (t) => {
		for (const isNamed of [false, true]) {
			const topic = await filledTopic(t, 1, 3);
			const groupId = randomGroup();
			const kept: EachBatchPayload["resolveOffset"][] = [];
			const place = (names: readonly string[]): Record<string, number[]> =>
				names.includes("second") ? { second: [0], ...(isNamed && { first: [] }) } : { first: [0] };
			const first = await startRawConsumer(t, topic, {
				groupId,
				config: { partitionAssigners: [placedBy(topic.name, "first", place)] },
				eachBatch: async ({ resolveOffset }) => void kept.push(resolveOffset),
			});
			await waitUntil(() => kept.length > 0);
			await startRawConsumer(t, topic, {
				groupId,
				config: { partitionAssigners: [placedBy(topic.name, "second", place)] },
			});
			await waitUntil(() => first.joins.at(-1)?.length === 0, { what: "the loss of the partition" });
			if (isNamed) t.doesNotThrow(() => kept[0]!("2"), "as engine/kafka/sticky-assigner.ts does it");
			else t.throws(() => kept[0]!("2"), { name: "TypeError" }, "inside eachBatch this is a crash");
		}
	},
);

t.test(
	"K9, K31: new partitions are seen after metadataMaxAge, by a GROUP_JOIN without REBALANCING before it",
	async (t) => {
		const topic = await filledTopic(t, 1, 1);
		const soon = await startRawConsumer(t, topic, { config: { metadataMaxAge: 300 } });
		const late = await startRawConsumer(t, topic, { config: { metadataMaxAge: 300_000 } });
		await topic.growTo(3);
		await waitUntil(() => soon.joins.at(-1)?.length === 3, { what: "the new partitions" });
		t.notOk(soon.events.includes("consumer.rebalancing"), "GROUP_JOIN is the only news");
		const beats = late.heartbeats;
		await waitUntil(() => late.heartbeats > beats + 2);
		t.same(late.joins, [[0]], "with the default of five minutes nobody knows yet");
	},
);

t.test("K14: an old seek outlives joins until its partition is fetched", async (t) => {
	const topic = await filledTopic(t, 2, 5);
	const groupId = randomGroup();
	const place = (names: readonly string[]) =>
		names.includes("second") ? { first: [0], second: [1] } : { first: [0, 1] };
	const first = await startRawConsumer(t, topic, {
		groupId,
		config: { partitionAssigners: [placedBy(topic.name, "first", place)] },
		onJoin: (one) => one.pause(1),
	});
	const second = await startRawConsumer(t, topic, {
		groupId,
		config: { partitionAssigners: [placedBy(topic.name, "second", place)] },
	});
	await waitUntil(() => first.joins.at(-1)?.length === 1);
	first.seek(1, 3);
	await second.consumer.disconnect();
	await waitUntil(() => first.joins.at(-1)?.length === 2);
	first.resume(1);
	await waitUntil(() => first.delivered(1).length > 0);
	t.same(first.delivered(1), [3, 4], "sought while it was somebody else's");
});

t.test(
	"K14: a join forgets the position, so that without a seek everything uncommitted comes again",
	async (t) => {
		const topic = await filledTopic(t, 1, 5);
		const groupId = randomGroup();
		const place = placedBy(topic.name, "first", () => ({ first: [0] }));
		const first = await startRawConsumer(t, topic, { groupId, config: { partitionAssigners: [place] } });
		await waitUntil(() => first.delivered().length === 5);
		await startRawConsumer(t, topic, {
			groupId,
			config: { partitionAssigners: [placedBy(topic.name, "second", () => ({}))] },
		});
		await waitUntil(() => first.delivered().length === 10);
		t.equal(first.joins.length, 2);
		t.same(first.delivered(), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
	},
);

t.test(
	"K3: at every join the leader's assigner is asked, with what each member said in its user data",
	async (t) => {
		const topic = await createTopic(t, { partitions: 3 });
		const groupId = randomGroup();
		const asked: string[][] = [];
		const place = (names: readonly string[]) => {
			asked.push([...names].sort());
			return names.includes("second") ? { first: [2], second: [0, 1] } : { first: [0, 1, 2] };
		};
		const first = await startRawConsumer(t, topic, {
			groupId,
			config: { partitionAssigners: [placedBy(topic.name, "first", place)] },
		});
		const second = await startRawConsumer(t, topic, {
			groupId,
			config: { partitionAssigners: [placedBy(topic.name, "second", place)] },
		});
		await waitUntil(() => first.joins.at(-1)?.length === 1 && second.joins.at(-1)?.length === 2);
		t.same(asked.at(0), ["first"]);
		t.same(asked.at(-1), ["first", "second"]);
		t.same(
			[first.joins.at(-1), second.joins.at(-1)],
			[[2], [0, 1]],
			"nothing is cooperative: each gets its whole list",
		);
		t.ok(first.events.includes("consumer.rebalancing"), "here REBALANCING comes before it");
	},
);

t.test(
	"K24: offsets of a partition that is somebody else's are accepted, and those of a stopped consumer are not sent",
	async (t) => {
		const topic = await createTopic(t, { partitions: 2 });
		const groupId = randomGroup();
		const place = () => ({ first: [0], second: [1] });
		const first = await startRawConsumer(t, topic, {
			groupId,
			config: { partitionAssigners: [placedBy(topic.name, "first", place)] },
		});
		await first.consumer.commitOffsets([{ topic: topic.name, partition: 1, offset: "77" }]);
		const committed = await topic.admin.fetchOffsets({ groupId, topics: [topic.name] });
		t.equal(committed[0]?.partitions.find(({ partition }) => partition === 1)?.offset, "77");
		await first.consumer.stop();
		await t.rejects(first.consumer.commitOffsets([{ topic: topic.name, partition: 0, offset: "78" }]), {
			name: "KafkaJSNonRetriableError",
		});
	},
);

t.test(
	"K25: HEARTBEAT tells of a heartbeat the broker has answered, once per interval and member",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const raw = await startRawConsumer(t, topic);
		const payloads: unknown[] = [];
		raw.consumer.on(raw.consumer.events.HEARTBEAT, ({ payload }) => void payloads.push(payload));
		const answered: unknown[] = [];
		raw.consumer.on(raw.consumer.events.REQUEST, ({ payload }) => {
			if (payload.apiName === "Heartbeat") answered.push(payload);
		});
		await waitUntil(() => payloads.length >= 2);
		t.ok(answered.length >= payloads.length, "an answer for each");
		t.match(payloads[0], { groupId: raw.groupId, memberId: raw.memberIds[0], groupGenerationId: 1 });
	},
);
