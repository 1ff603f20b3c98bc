/** kafkajs and pauses: what a join listener may do, and when a pause or a resume is seen. Rows K4 to K6 of docs/kafkajs.md. */
import t from "tap";
import { filledTopic, startRawConsumer } from "../support/raw-consumer.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test("K4: delivery begins although what the GROUP_JOIN listener returned is still pending", async (t) => {
	const topic = await filledTopic(t, 1, 3);
	let release = (): void => {};
	const pending = new Promise<void>((resolve) => {
		release = resolve;
	});
	const raw = await startRawConsumer(t, topic, { onJoin: () => pending });
	await waitUntil(() => raw.batches.length > 0, { what: "a batch while the listener is waiting" });
	t.equal(raw.batches[0]?.fetchedOffset, 0, "whoever awaits Postgres first comes too late");
	release();
});

t.test(
	"K4: what is paused within the GROUP_JOIN listener is not fetched until resumed, and then from the sought offset",
	async (t) => {
		const topic = await filledTopic(t, 2, 5);
		const raw = await startRawConsumer(t, topic, { onJoin: (one) => one.pause(0, 1) });
		const beats = raw.heartbeats;
		await waitUntil(() => raw.heartbeats > beats + 1, { what: "rounds of the fetch loop" });
		t.same(raw.batches, []);
		raw.seek(0, 3);
		raw.seek(1, 1);
		raw.resume(0, 1);
		await waitUntil(() => raw.delivered(0).length > 0 && raw.delivered(1).length > 0);
		t.same(raw.delivered(0), [3, 4]);
		t.same(raw.delivered(1), [1, 2, 3, 4]);
	},
);

t.test(
	"K4: pause, resume and seek throw before the first run and once the consumer has stopped",
	async (t) => {
		const topic = await filledTopic(t, 1, 1);
		const raw = await startRawConsumer(t, topic);
		let atStop: unknown;
		raw.consumer.on(raw.consumer.events.STOP, () => {
			try {
				raw.pause(0);
			} catch (error) {
				atStop = error;
			}
		});
		await raw.consumer.disconnect();
		const refused = { name: "KafkaJSNonRetriableError", message: /group was not initialized/ };
		t.match(atStop, refused, "STOP is emitted in the tick in which the group is gone");
		t.throws(() => raw.pause(0), refused);
		t.throws(() => raw.resume(0), refused);
		t.throws(() => raw.seek(0, 0), refused);
	},
);

t.test("K5: with everything paused a resume is seen only when maxWaitTimeInMs is over", async (t) => {
	const topic = await filledTopic(t, 1, 1);
	const maxWaitTimeInMs = 1_000;
	const raw = await startRawConsumer(t, topic, {
		config: { maxWaitTimeInMs },
		onJoin: (one) => one.pause(0),
	});
	// The second round begins behind the first sleep, with nothing between it and the next.
	await waitUntil(() => raw.events.filter((name) => name === "consumer.fetch_start").length >= 2, {
		everyMs: 5,
	});
	const resumedAt = performance.now();
	raw.resume(0);
	await waitUntil(() => raw.batches.length > 0, { everyMs: 5 });
	t.ok(performance.now() - resumedAt > maxWaitTimeInMs / 2, "it slept on");
});

t.test(
	"K6: pausing throws away the response that is under way, and it is fetched again after the resume",
	async (t) => {
		const topic = await filledTopic(t, 1, 20);
		let answers = 0;
		const raw = await startRawConsumer(t, topic, {
			onJoin: (one) => {
				const { consumer } = one;
				consumer.on(consumer.events.REQUEST, ({ payload }) => {
					if (payload.apiName !== "Fetch" || payload.size < 200) return;
					answers++;
					if (answers === 1) one.pause(0);
				});
			},
		});
		await waitUntil(() => answers === 1);
		const beats = raw.heartbeats;
		await waitUntil(() => raw.heartbeats > beats + 1);
		t.same(raw.batches, [], "the answer had come, and nobody got it");
		raw.resume(0);
		await waitUntil(() => raw.batches.length > 0);
		t.equal(raw.batches[0]?.fetchedOffset, 0);
		t.equal(answers, 2, "the same bytes came twice over the wire");
	},
);
