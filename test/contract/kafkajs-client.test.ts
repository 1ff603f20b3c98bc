/**
 * kafkajs and its connections: timers, crashes, stopping, half-open sockets, clocks. Rows K1, K15, K16, K18, K19 and K36
 * of docs/kafkajs.md.
 */
import { type EachBatchPayload, default as kafkajs } from "kafkajs";
import t from "tap";
import { patchRequestQueue } from "../../engine/kafka/request-queue-patch.ts";
import { startRawConsumer, throughProxy } from "../support/raw-consumer.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { createTopic, kafkaClient, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

// Node finds some names of a CommonJS module only behind its default export.
const { KafkaJSNonRetriableError } = kafkajs;

/** Timers armed meanwhile with a delay that is not positive. */
async function negativeTimers(work: () => Promise<void>): Promise<number> {
	const { setTimeout: real } = globalThis;
	let count = 0;
	const counting = (callback: () => void, delayMs?: number): NodeJS.Timeout => {
		if (delayMs !== undefined && delayMs < 0) count++;
		return real(callback, delayMs);
	};
	globalThis.setTimeout = Object.assign(counting, real) as typeof real;
	try {
		await work();
	} finally {
		globalThis.setTimeout = real;
	}
	return count;
}

t.test(
	"K1: an idle client arms timers with negative delays for ever, and none once it is patched",
	async (t) => {
		const { kafka } = kafkaClient();
		const producer = kafka.producer();
		await producer.connect();
		t.teardown(() => producer.disconnect());
		const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));
		let before = 0;
		await waitUntil(
			async () => {
				before += await negativeTimers(idle);
				return before > 20;
			},
			{ what: "timers while it does nothing: when there are none, the patch can go" },
		);
		patchRequestQueue();
		// One timer of each connection is armed already, and runs into the patched method.
		await idle();
		t.equal(await negativeTimers(idle), 0);
	},
);

t.test(
	"K15: after an error that cannot be retried there is a CRASH with restart false, and then nothing",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		await send(topic, [{ value: "v", partition: 0 }]);
		const raw = await startRawConsumer(t, topic, {
			config: { retry: {} },
			eachBatch: () => Promise.reject(new KafkaJSNonRetriableError("no more")),
		});
		await waitUntil(() => raw.crashes.length > 0);
		t.match(raw.crashes, [{ restart: false, error: { name: "KafkaJSNonRetriableError" } }]);
		t.same(
			raw.events.filter((name) => /stop|disconnect|crash/.test(name)),
			["consumer.stop", "consumer.disconnect", "consumer.crash"],
			"STOP comes first: between it and CRASH a pause would throw",
		);
	},
);

t.test("K15: restartOnFailure decides about the others, and false leaves the consumer dead", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await send(topic, [{ value: "v", partition: 0 }]);
	const raw = await startRawConsumer(t, topic, {
		config: { retry: { retries: 0, initialRetryTime: 10, restartOnFailure: async () => false } },
		eachBatch: () => Promise.reject(new Error("may be retried")),
	});
	await waitUntil(() => raw.crashes.length > 0);
	t.match(raw.crashes, [{ restart: false, error: { name: "KafkaJSNumberOfRetriesExceeded" } }]);
	t.match(raw.crashes[0]?.error.cause, { message: "may be retried" }, "the reason is in the causes");
});

t.test("K15: run resolves for a consumer that crashed while it joined, too", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	const raw = await startRawConsumer(t, topic, {
		config: {
			partitionAssigners: [
				() => ({
					name: "broken",
					version: 0,
					assign: () => Promise.reject(new KafkaJSNonRetriableError("cannot assign")),
					protocol: () => ({ name: "broken", metadata: Buffer.alloc(0) }),
				}),
			],
		},
	});
	t.same(raw.joins, []);
	await waitUntil(() => raw.crashes.length > 0);
});

t.test("K16: the budget of retries never refills: good batches in between do not help", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	const retries = 3;
	let failures = 0;
	const fails = async ({ batch, resolveOffset }: EachBatchPayload): Promise<void> => {
		const { offset, value } = batch.messages[0]!;
		const isFirstTime = !seen.has(offset);
		seen.add(offset);
		if (String(value) === "bad" && isFirstTime) {
			failures++;
			throw new Error(`failure ${failures}`);
		}
		resolveOffset(offset);
	};
	const seen = new Set<string>();
	const raw = await startRawConsumer(t, topic, {
		config: { retry: { retries, initialRetryTime: 5, maxRetryTime: 5, restartOnFailure: async () => false } },
		eachBatch: fails,
	});
	for (let i = 0; i <= retries; i++) {
		t.same(raw.crashes, []);
		await send(topic, [{ value: "bad", partition: 0 }]);
		await waitUntil(() => failures === i + 1);
		if (i === retries) break;
		const [last] = await send(topic, [{ value: "good", partition: 0 }]);
		await waitUntil(() => seen.has(String(last!.offset)), { what: "a good batch after the bad one" });
	}
	await waitUntil(() => raw.crashes.length > 0);
	t.match(raw.crashes, [{ error: { name: "KafkaJSNumberOfRetriesExceeded" } }]);
});

t.test("K18: disconnect does not return while a handler runs", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	await send(topic, [{ value: "v", partition: 0 }]);
	let release = (): void => {};
	const held = new Promise<void>((resolve) => {
		release = resolve;
	});
	const raw = await startRawConsumer(t, topic, { eachBatch: () => held });
	await waitUntil(() => raw.batches.length > 0);
	let isOver = false;
	const disconnecting = raw.consumer.disconnect().then(() => {
		isOver = true;
	});
	await new Promise((resolve) => setTimeout(resolve, 700));
	t.notOk(isOver, "longer than two rounds of the fetch loop");
	release();
	await disconnecting;
});

t.test(
	"K19: a request times out on a frozen connection without closing it; no HEARTBEAT is told of, and no CRASH",
	async (t) => {
		const topic = await createTopic(t, { partitions: 1 });
		const proxy = await startProxy(t, Number(topic.brokers[0]!.split(":")[1]));
		const raw = await startRawConsumer(t, topic, {
			client: throughProxy(proxy),
			config: { sessionTimeout: 30_000, rebalanceTimeout: 30_000, maxWaitTimeInMs: 100 },
		});
		let timeouts = 0;
		raw.consumer.on(raw.consumer.events.REQUEST_TIMEOUT, () => void timeouts++);
		await waitUntil(() => raw.heartbeats > 1);
		const { open } = proxy;
		proxy.freeze();
		await waitUntil(() => timeouts > 0);
		const beats = raw.heartbeats;
		await waitUntil(() => timeouts > 1);
		t.equal(raw.heartbeats, beats, "nobody can take a frozen broker for a living one");
		t.equal(proxy.open, open, "the socket stays in use");
		proxy.thaw();
		await waitUntil(() => raw.heartbeats > beats + 1, { what: "the return of the heartbeats" });
		t.same([raw.crashes, raw.joins.length], [[], 1]);
	},
);

t.test("K36: after a step back of the wall clock no heartbeat is sent", async (t) => {
	const topic = await createTopic(t, { partitions: 1 });
	const raw = await startRawConsumer(t, topic);
	await waitUntil(() => raw.heartbeats > 1);
	const { now } = Date;
	Date.now = () => now() - 3_600_000;
	t.teardown(() => {
		Date.now = now;
	});
	const { heartbeats } = raw;
	const rounds = raw.events.length;
	await waitUntil(() => raw.events.length >= rounds + 4, { what: "rounds of the fetch loop" });
	t.ok(raw.heartbeats <= heartbeats + 1, "one may have been under way");
	Date.now = now;
	await waitUntil(() => raw.heartbeats > heartbeats + 1);
});
