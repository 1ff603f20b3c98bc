/** Fetch and decode: the engine's own source reads the topic, and nobody does anything with it. */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../engine/clock.ts";
import { KafkaSource } from "../../engine/kafka/source.ts";
import { createLog } from "../../engine/log.ts";
import type { SourceBatch } from "../../engine/ports.ts";
import { LIMITS } from "../micro/corpus.ts";
import { mainThreadOrOwnCpuNs } from "../micro/thread-cpu.ts";
import type { ScenarioContext } from "../support/scenario.ts";
import type { Topic } from "../support/topic.ts";

const SESSION_TIMEOUT_MS = 30_000;

/** CPU of the main thread in ns per event, from the first answer to the last. */
export async function fetchNs(context: ScenarioContext, topic: Topic, sent: number): Promise<number> {
	const settings = {
		connection: { clientId: "lottery-perf", brokers: topic.brokers.split(","), ssl: false, sasl: null },
		topic: topic.name,
		groupId: `${topic.name}-fetch-${randomBytes(3).toString("hex")}`,
		sessionTimeoutMs: SESSION_TIMEOUT_MS,
	} as const;
	const log = createLog({ level: "silent", format: "json" });
	const source = new KafkaSource(settings, LIMITS, systemClock, log);
	context.onCleanup(() => source.stop());
	let seen = 0;
	let counted = 0;
	let fromNs: number | null = null;
	let failure: Error | null = null;
	const take = (batch: SourceBatch): void => {
		if (batch.unreadable !== undefined) failure = new Error(`the topic cannot be read: ${batch.unreadable}`);
		const count = batch.nextOffset - batch.fetchedOffset;
		seen += count;
		if (fromNs === null) fromNs = mainThreadOrOwnCpuNs();
		else counted += count;
		batch.resolve();
	};
	await source.start({
		joined: (partitions) => {
			for (const partition of partitions) source.seek(partition, 0);
		},
		batch: take,
		skipped: () => undefined,
		heartbeat: () => undefined,
		crashed: (error) => {
			failure = error;
		},
	});
	const toNs = await context.until("the source to read all of the topic", () => {
		if (failure !== null) throw failure;
		return seen >= sent ? mainThreadOrOwnCpuNs() : null;
	});
	await source.stop();
	if (seen !== sent || fromNs === null)
		throw new Error(`the source read ${seen} records, but ${sent} were sent`);
	return (toNs - fromNs) / counted;
}
