/**
 * A believable stream for fault tests, from a seed, and a producer that sends it while engines come and go.
 *
 * The producer keeps no account of its own: what it was given is what must be in the topic, once, when it has ended.
 */
import { randomInt } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import type { Test } from "tap";
import { createSender } from "../../engine/kafka/sender.ts";
import { type GenerateOptions, generate } from "../../producer/generate.ts";
import type { TestTopic } from "./topic.ts";

export interface StreamMessage {
	readonly key: Buffer | null;
	readonly value: Buffer;
}

/** Midday of a day that the calendar has: nothing in a stream depends on today. */
const START_SECONDS = Date.UTC(2025, 5, 1, 12) / 1000;

/**
 * Messages as applications send them: keyed by user, a few bad ones in every way that turns up, a few late.
 * Equal arguments give equal bytes.
 */
export function stream(
	seed: number,
	events: number,
	change: Partial<GenerateOptions> = {},
): readonly StreamMessage[] {
	const counts = { events: 0, bad: 0, late: 0 };
	const options = {
		events,
		users: 400,
		hours: 8,
		startSeconds: START_SECONDS,
		badRatio: 0.02,
		lateRatio: 0.05,
		seed,
		...change,
	};
	const messages: StreamMessage[] = [];
	let rest = Buffer.alloc(0);
	for (const chunk of generate(options, counts)) {
		const bytes = Buffer.concat([rest, chunk]);
		let from = 0;
		for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
			const value = Buffer.from(bytes.subarray(from, end));
			messages.push({ key: keyOf(value), value });
			from = end + 1;
		}
		rest = Buffer.from(bytes.subarray(from));
	}
	return messages;
}

/** The user by a plain search; a line that has none goes without a key. */
function keyOf(value: Buffer): Buffer | null {
	const user = /"user_id":"([^"\\]+)"/.exec(value.toString("latin1"))?.[1];
	return user === undefined ? null : Buffer.from(user, "latin1");
}

export interface RunningProducer {
	/** Messages that every replica has acknowledged. */
	readonly sent: number;
	/** Resolves when all of them are; rejects when Kafka stays away for longer than the sender is patient. */
	readonly done: Promise<void>;
	/** Sends no more, and resolves with how many were acknowledged. Rejects as `done` does. */
	stop(): Promise<number>;
}

/** One request a tick: few enough for a steady flow, many enough to cost nothing. */
const TICK_MS = 50;
/** A client's connections give up before its producer does, and end a send whose fate nobody knows: two minutes. */
const PATIENT = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 120 };

/** Sends `messages` in their order at `perSecond`, acknowledged and idempotent; ends with the test. */
export function startProducer(
	t: Test,
	topic: Pick<TestTopic, "name" | "brokers">,
	messages: readonly StreamMessage[],
	perSecond: number,
): RunningProducer {
	const kafka = new Kafka({
		clientId: "test-producer",
		brokers: [...topic.brokers],
		logLevel: logLevel.NOTHING,
		// A frozen broker answers nothing: with kafkajs's 30 s its partitions' next leaders would be found after minutes.
		requestTimeout: 5_000,
		retry: PATIENT,
	});
	const sender = createSender(kafka, topic.name);
	const state = { sent: 0 };
	let ended = false;
	const run = async (): Promise<void> => {
		const startedMs = performance.now();
		while (!ended && state.sent < messages.length) {
			const due = Math.ceil(((performance.now() - startedMs + TICK_MS) / 1000) * perSecond);
			const batch = messages.slice(state.sent, Math.min(due, state.sent + 2_000));
			await sender.send(batch);
			state.sent += batch.length;
			await new Promise((resolve) => setTimeout(resolve, TICK_MS));
		}
		await sender.disconnect();
	};
	const done = run();
	// A test that fails earlier never awaits it.
	done.catch(() => {});
	t.teardown(async () => {
		ended = true;
		await done.catch(() => {});
	});
	return {
		get sent() {
			return state.sent;
		},
		done,
		async stop() {
			ended = true;
			await done;
			return state.sent;
		},
	};
}

/** `TEST_SEED`, or a random one; printed, so that a failure can be had again. */
export function chooseSeed(t: Test): number {
	const seed = Number(process.env["TEST_SEED"] || randomInt(2 ** 31));
	t.comment(`seed ${seed}: repeat it with TEST_SEED=${seed}`);
	return seed;
}
