/** Sending lines to Kafka, as `produce` and `generate --to-kafka` both do: topic, sender, progress, summary. */
import { setTimeout as delay } from "node:timers/promises";
import { createProducerMetrics } from "../../monitoring/producer-metrics.ts";
import type { Judge } from "../../producer/judge.ts";
import { createPace, type PaceClock } from "../../producer/pace.ts";
import { emptyCounts, type RefusedLine, type ReplayCounts, replay } from "../../producer/replay.ts";
import { UnavailableError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { createKafka } from "../kafka/client.ts";
import { createSender, SEND_RETRY } from "../kafka/sender.ts";
import { createTopic, describeTopic } from "../kafka/topic.ts";
import { kafkaUnavailable } from "../kafka/unavailable.ts";
import type { CommandContext } from "./context.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { serveMetrics } from "./metrics-port.ts";
import { startProgress, withCommas } from "./progress.ts";
import { kafkaOf } from "./running-parts.ts";

export interface DeliveryOptions {
	readonly batchMessagesMax: number;
	/** Events a second; null: as fast as it goes. */
	readonly ratePerSecond: number | null;
	/** Pause between two batches, in ms. */
	readonly delayMs: number;
	/** Partitions of the topic when it is missing; null: a missing topic is an error. */
	readonly createPartitions: number | null;
	/** Port of `/metrics`; null: none. */
	readonly metricsPort: number | null;
	/** Summary on stdout. */
	readonly json: boolean;
	readonly flushesEachChunk: boolean;
	/** For the progress bar; null when unknown. */
	readonly totalBytes: number | null;
	readonly judge: Judge;
	refuse(lines: readonly RefusedLine[]): Promise<void>;
	/** The lists of lines of one pass after the other; ends when nothing is left to send. */
	passes(signal: AbortSignal): Iterable<AsyncIterable<readonly Buffer[]> | Iterable<readonly Buffer[]>>;
}

/** Half of the broker's default `message.max.bytes`, so that one partition may get a whole batch. */
const BATCH_BYTES_MAX = 524_288;

/** With a rate, a batch holds at most this part of a second's events: the stream is even, not a flood every second. */
const BATCHES_PER_SECOND_MIN = 10;

const clock: PaceClock = {
	nowMs: () => performance.now(),
	sleep: (delayMs, signal) => delay(delayMs, undefined, { signal }).catch(() => undefined),
};

/** @returns the exit code: 0, or that of the signal which interrupted it. @throws {UnavailableError} for Kafka's absence */
export async function deliver(context: CommandContext, options: DeliveryOptions): Promise<number> {
	const { config, log } = context;
	const connection = kafkaOf(config);
	const { topic } = config.kafka;
	const kafka = createKafka(connection, log);
	const metrics = createProducerMetrics();
	const page =
		options.metricsPort === null ? null : await serveMetrics(metrics, config.http.host, options.metricsPort);
	if (page !== null) log.info(`metrics on http://${config.http.host}:${page.port}/metrics`);
	const counts = emptyCounts();
	const interrupt = listenForInterrupt();
	const sender = createSender(createKafka(connection, log, SEND_RETRY), topic);
	let startedMs = performance.now();
	try {
		await assertTopic(kafka, connection.brokers, topic, options.createPartitions);
		await sender.connect();
		startedMs = performance.now();
		const progress = startProgress(counts, options.totalBytes);
		try {
			await sendAll(options, counts, interrupt.signal, async (messages) => {
				try {
					await sender.send(messages);
				} catch (error) {
					metrics.sent("failure", messages.length);
					throw error;
				}
				metrics.sent("success", messages.length);
			});
		} finally {
			progress.stop();
		}
	} catch (error) {
		if (counts.sent > 0) summarize(options.json, counts, startedMs, null, topic);
		throw isOurs(error) ? error : kafkaUnavailable(connection.brokers, error);
	} finally {
		interrupt.dispose();
		page?.close();
		await sender.disconnect().catch(() => undefined);
	}
	summarize(options.json, counts, startedMs, interrupt.exitCode(), topic);
	return interrupt.exitCode() ?? EXIT.ok;
}

async function sendAll(
	options: DeliveryOptions,
	counts: ReplayCounts,
	signal: AbortSignal,
	send: (messages: readonly { key: string | null; value: Buffer }[]) => Promise<void>,
): Promise<void> {
	const { ratePerSecond, delayMs } = options;
	const pace = createPace(ratePerSecond, clock);
	const evenly = ratePerSecond === null ? Number.POSITIVE_INFINITY : ratePerSecond / BATCHES_PER_SECOND_MIN;
	const limits = {
		batchMessagesMax: Math.max(1, Math.floor(Math.min(options.batchMessagesMax, evenly))),
		batchBytesMax: BATCH_BYTES_MAX,
		flushesEachChunk: options.flushesEachChunk,
	};
	const ports = {
		send,
		refuse: (lines: readonly RefusedLine[]) => options.refuse(lines),
		judge: options.judge,
		pace,
		signal,
		...(delayMs > 0 && { pause: () => clock.sleep(delayMs, signal) }),
	};
	for (const lists of options.passes(signal)) {
		const before = counts.sent;
		await replay(lists, ports, limits, counts);
		// A pass that sent nothing would be repeated for ever by --loop.
		if (signal.aborted || counts.sent === before) return;
	}
}

async function assertTopic(
	kafka: ReturnType<typeof createKafka>,
	brokers: readonly string[],
	topic: string,
	createPartitions: number | null,
): Promise<void> {
	if ((await describeTopic(kafka, topic)) !== null) return;
	if (createPartitions !== null) {
		await createTopic(kafka, topic, createPartitions);
		return;
	}
	throw new UnavailableError(
		"Kafka",
		`the topic ${topic} does not exist on ${brokers.join(", ")}`,
		"add --create-topic (and --partitions N), or check --topic",
	);
}

function isOurs(error: unknown): boolean {
	// Errors of files and of our own come through as they are; everything else here is Kafka's.
	return error instanceof Error && !error.name.startsWith("KafkaJS");
}

function summarize(
	isJson: boolean,
	counts: ReplayCounts,
	startedMs: number,
	code: number | null,
	topic: string,
): void {
	const seconds = (performance.now() - startedMs) / 1000;
	const rate = counts.sent / Math.max(seconds, 0.001);
	const { sent, invalid, skipped, bytes } = counts;
	process.stderr.write(
		`${code === null ? "" : "interrupted: "}${withCommas(sent)} events sent to ${topic} in ${seconds.toFixed(1)} s (${withCommas(rate)}/s), ${withCommas(invalid)} invalid, ${withCommas(skipped)} empty lines skipped\n`,
	);
	if (!isJson) return;
	const summary = {
		sent,
		invalid,
		skipped,
		seconds: Number(seconds.toFixed(3)),
		rate: Math.round(rate),
		bytes,
	};
	process.stdout.write(`${JSON.stringify({ ...summary, topic, interrupted: code !== null })}\n`);
}
