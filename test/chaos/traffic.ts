/** What is sent while the faults strike, and an account of it: what was acknowledged must be in the topic, once. */
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { createSender } from "../../engine/kafka/sender.ts";
import { type StreamMessage, stream } from "../support/stream.ts";

export interface TrafficOptions {
	readonly brokers: readonly string[];
	readonly topic: string;
	readonly seed: number;
	readonly perSecond: number;
}

const TICK_MS = 50;
/** One request; kafkajs groups messages in quadratic time per partition. */
const MESSAGES_PER_SEND = 2_000;
/** Generated at a time: a long run would not fit into memory. */
const CHUNK = 20_000;
/** After a stop Kafka has this long to take what is under way. */
const STOP_WITHIN_MS = 120_000;

export class Traffic {
	readonly #options: TrafficOptions;
	readonly #acknowledged: StreamMessage[] = [];
	readonly #doubtful: StreamMessage[] = [];
	/** Messages to be sent in front of the stream. */
	#extra: StreamMessage[] = [];
	#chunks = 0;
	#chunk: readonly StreamMessage[] = [];
	#isStopped = false;
	#running: Promise<void> | null = null;

	constructor(options: TrafficOptions) {
		this.#options = options;
	}

	/** Acknowledged by every replica. */
	get acknowledged(): readonly StreamMessage[] {
		return this.#acknowledged;
	}

	/** Nobody knows whether Kafka has them; they were not sent again. */
	get doubtful(): readonly StreamMessage[] {
		return this.#doubtful;
	}

	start(): void {
		this.#running = this.#run();
	}

	/** Sends these too, as soon as can be. */
	add(messages: readonly StreamMessage[]): void {
		this.#extra = [...this.#extra, ...messages];
	}

	/** So many of the stream's messages at once. */
	burst(count: number): void {
		this.add(this.#take(count));
	}

	/** Sends no more; resolves when the fate of what is under way is known. Throws when Kafka stays away. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		const late = sleep(STOP_WITHIN_MS, "late" as const, { ref: false });
		if ((await Promise.race([this.#running, late])) === "late")
			throw new Error(`Kafka did not take what was sent within ${STOP_WITHIN_MS} ms`);
	}

	async #run(): Promise<void> {
		const { brokers, topic, perSecond } = this.#options;
		const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 };
		const kafka = new Kafka({
			clientId: "chaos",
			brokers: [...brokers],
			logLevel: logLevel.NOTHING,
			requestTimeout: 5_000,
			retry,
		});
		const sender = createSender(kafka, topic);
		let streamed = 0;
		const startedMs = performance.now();
		while (!this.#isStopped) {
			const due = Math.ceil(((performance.now() - startedMs) / 1_000) * perSecond) - streamed;
			const regular = Math.min(Math.max(due, 0), MESSAGES_PER_SEND);
			streamed += regular;
			const batch = [...this.#extra.splice(0, MESSAGES_PER_SEND), ...this.#take(regular)];
			try {
				await sender.send(batch);
				for (const message of batch) this.#acknowledged.push(message);
			} catch {
				for (const message of batch) this.#doubtful.push(message);
			}
			await sleep(TICK_MS);
		}
		await sender.disconnect().catch(() => {});
	}

	#take(count: number): StreamMessage[] {
		const taken: StreamMessage[] = [];
		while (taken.length < count) {
			if (this.#chunk.length === 0) this.#chunk = stream(this.#options.seed + this.#chunks++, CHUNK);
			const part = this.#chunk.slice(0, count - taken.length);
			this.#chunk = this.#chunk.slice(part.length);
			taken.push(...part);
		}
		return taken;
	}
}

/** In whose bytes topic and account differ, for people; empty when each acknowledged message is there exactly once. */
export function missingIn(
	inTopic: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[],
	{ acknowledged, doubtful }: Pick<Traffic, "acknowledged" | "doubtful">,
): string[] {
	const textOf = ({ key, value }: (typeof inTopic)[number]) =>
		`${key?.toString("latin1")} ${value?.toString("latin1")}`;
	const count = (messages: typeof inTopic) => {
		const counts = new Map<string, number>();
		for (const message of messages) {
			const text = textOf(message);
			counts.set(text, (counts.get(text) ?? 0) + 1);
		}
		return counts;
	};
	const [there, sure, maybe] = [count(inTopic), count(acknowledged), count(doubtful)];
	const problems: string[] = [];
	for (const [text, times] of sure) {
		const found = there.get(text) ?? 0;
		const most = times + (maybe.get(text) ?? 0);
		if (found < times || found > most)
			problems.push(`acknowledged ${times} times, in the topic ${found} times: ${text.slice(0, 200)}`);
	}
	for (const [text, times] of there) {
		if (!sure.has(text) && times > (maybe.get(text) ?? 0))
			problems.push(`in the topic ${times} times, but never sent so often: ${text.slice(0, 200)}`);
	}
	return problems;
}
