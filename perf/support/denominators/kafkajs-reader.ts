/**
 * A process that reads a topic with bare kafkajs and does nothing with it: how fast the engine's own client could be
 * at the engine's own fetch settings. Started by kafkajs-read.ts; prints one line of JSON.
 */
import { Kafka, logLevel } from "kafkajs";
import { ENGINE_FETCH } from "../engine-fetch.ts";
import type { ReadRequest, ReadResult } from "./kafkajs-read.ts";

/** As the engine's, see engine/kafka. */
const FETCH = {
	maxWaitTimeInMs: 250,
	minBytes: 1,
	maxBytes: ENGINE_FETCH.request,
	maxBytesPerPartition: ENGINE_FETCH.partition,
} as const;

const request = JSON.parse(process.argv[2] ?? "") as ReadRequest;
process.stdout.write(`${JSON.stringify(await read(request))}\n`);

async function read({ brokers, topic, groupId, sent }: ReadRequest): Promise<ReadResult> {
	const kafka = new Kafka({
		clientId: "lottery-perf-read",
		brokers: brokers.split(","),
		logLevel: logLevel.NOTHING,
	});
	const consumer = kafka.consumer({ groupId, ...FETCH });
	await consumer.connect();
	await consumer.subscribe({ topics: [topic], fromBeginning: true });
	let count = 0;
	let bytes = 0;
	let first: Moment | null = null;
	const last = await new Promise<Moment>((resolve, reject) => {
		consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
		void consumer.run({
			autoCommit: false,
			eachBatch: async ({ batch }) => {
				// Touching each value keeps this from being a measurement of nothing.
				for (const { value } of batch.messages) bytes += value?.length ?? 0;
				count += batch.messages.length;
				first ??= momentAt(count);
				if (count >= sent) resolve(momentAt(count));
			},
		});
	});
	await consumer.disconnect();
	const start = first ?? last;
	return {
		events: last.count - start.count,
		seconds: (last.atMs - start.atMs) / 1000,
		cpuSeconds: last.cpuSeconds - start.cpuSeconds,
		bytes,
	};
}

interface Moment {
	readonly count: number;
	readonly atMs: number;
	readonly cpuSeconds: number;
}

function momentAt(count: number): Moment {
	const { user, system } = process.cpuUsage();
	return { count, atMs: performance.now(), cpuSeconds: (user + system) / 1e6 };
}
