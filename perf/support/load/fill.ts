/** Filling a topic as fast as it goes, with content that is known exactly. */
import { setImmediate as otherWork } from "node:timers/promises";
import { type LoadContent, type LoadCounts, USUAL_CONTENT } from "./content.ts";
import { framesOf } from "./frames.ts";
import { LoadSender } from "./load-sender.ts";

export interface FillRequest {
	/** As in KAFKA_BROKERS; connections without TLS and without a password. */
	readonly brokers: string;
	readonly topic: string;
	/** What differs from `USUAL_CONTENT`; the same content always gives the same records in the same partitions. */
	readonly content: Partial<LoadContent> & Pick<LoadContent, "events">;
	/** About so many records a batch; by default what a producer sends that gathers for some milliseconds. */
	readonly recordsPerBatch?: number;
	readonly onProgress?: (sent: number, total: number) => void;
	readonly signal?: AbortSignal;
}

export interface FillResult {
	/** Records that were sent and acknowledged by all replicas. */
	readonly events: number;
	/** Those among them that are no valid event. */
	readonly bad: number;
	/** By partition: one past the last offset, as acknowledged. */
	readonly endOffsets: readonly number[];
	readonly seconds: number;
	/** CPU time of this process, all its threads, in µs per event. */
	readonly cpuMicrosPerEvent: number;
}

/** As many as the load of the program's own producer had per partition. */
const RECORDS_PER_BATCH = 250;
/** Frames made ahead of the broker: enough that it never waits, little enough for the memory. */
const FRAMES_AHEAD = 8;
const PROGRESS_EVERY_FRAMES = 25;

/**
 * Sends `content` to the topic and resolves when all of it is acknowledged. The record timestamps are those of sending.
 * @throws Error when a send fails: the topic then holds an unknown part, and is of no use
 */
export async function fill(request: FillRequest): Promise<FillResult> {
	const { brokers, topic, recordsPerBatch = RECORDS_PER_BATCH, onProgress, signal } = request;
	const content = { ...USUAL_CONTENT, ...request.content };
	const startedMs = performance.now();
	const cpuBefore = process.cpuUsage();
	const sender = await LoadSender.open(brokers, topic);
	try {
		const perFrame = recordsPerBatch * sender.partitionCount;
		const counts: LoadCounts = { records: 0, bad: 0 };
		let frames = 0;
		for (const frame of framesOf(content, sender.partitionCount, perFrame, counts)) {
			signal?.throwIfAborted();
			const dueMs = performance.now();
			for (const batch of frame.batches) sender.add({ batch, dueMs, window: null });
			sender.pump();
			// Answers come in between, so that the broker is never kept waiting.
			await otherWork();
			await sender.pendingAtMost(FRAMES_AHEAD * perFrame);
			if (++frames % PROGRESS_EVERY_FRAMES === 0) onProgress?.(sender.acknowledged, content.events);
		}
		await sender.pendingAtMost(0);
		onProgress?.(sender.acknowledged, content.events);
		const cpu = process.cpuUsage(cpuBefore);
		return {
			events: sender.acknowledged,
			bad: counts.bad,
			endOffsets: [...sender.nextOffsets],
			seconds: (performance.now() - startedMs) / 1000,
			cpuMicrosPerEvent: (cpu.user + cpu.system) / sender.acknowledged,
		};
	} finally {
		sender.close();
	}
}
