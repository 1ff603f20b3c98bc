/** What `KafkaSource` delivers, written down: with which decoder is the test's choice. */
import { randomBytes } from "node:crypto";
import type { Test } from "tap";
import { systemClock } from "../../engine/clock.ts";
import type { KafkaDecoder } from "../../engine/kafka/decoder.ts";
import { KafkaSource } from "../../engine/kafka/source.ts";
import { createLog } from "../../engine/log.ts";
import type { SourceBatch } from "../../engine/ports.ts";
import { type SeenRecord, seenRecords } from "./record-batches.ts";
import type { TestTopic } from "./topic.ts";

/** One batch, or a fetch without a record for us: offsets `[from, to)` of a partition. */
export interface SeenRange {
	readonly partition: number;
	readonly from: number;
	readonly to: number;
	readonly records: readonly SeenRecord[];
}

export interface SourceReader {
	readonly source: KafkaSource;
	readonly ranges: readonly SeenRange[];
	readonly unreadable: readonly string[];
	/** Records of one partition, in the order of delivery. */
	records(partition: number): SeenRecord[];
	/** One past the last offset in a row from `start` on. Throws where ranges do not follow each other. */
	covered(partition: number, start: number): number;
}

const silent = createLog({ level: "silent", format: "json" });

export interface ReaderOptions {
	readonly decoder: KafkaDecoder;
	/** Where each partition is read from; default 0. */
	readonly startAt?: (partition: number) => number;
	/** Default: resolves every batch. */
	readonly onBatch?: (batch: SourceBatch, reader: SourceReader) => void;
	/** `IN_FLIGHT_MB_MAX` in bytes, which fetches go by. */
	readonly setBytesMax?: number;
}

/** Stopped when the test ends. */
export async function startReader(t: Test, topic: TestTopic, options: ReaderOptions): Promise<SourceReader> {
	const connection = { brokers: topic.brokers, clientId: "test", ssl: false, sasl: null } as const;
	const groupId = `reader-${randomBytes(6).toString("hex")}`;
	const { decoder, startAt = () => 0, onBatch, setBytesMax = 64 * 2 ** 20 } = options;
	const source = new KafkaSource(
		{ connection, topic: topic.name, groupId, sessionTimeoutMs: 10_000, decoder },
		{ crashesMax: 1, crashWindowMs: 60_000, setBytesMax },
		systemClock,
		silent,
	);
	const ranges: SeenRange[] = [];
	const unreadable: string[] = [];
	const reader: SourceReader = {
		source,
		ranges,
		unreadable,
		records: (partition) =>
			ranges.filter((range) => range.partition === partition).flatMap(({ records }) => records),
		covered: (partition, start) => {
			let next = start;
			for (const range of ranges) {
				if (range.partition !== partition) continue;
				if (range.from !== next) throw new Error(`partition ${partition} goes from ${next} to ${range.from}`);
				next = range.to;
			}
			return next;
		},
	};
	t.teardown(() => source.stop());
	await source.start({
		joined: (partitions) => {
			for (const partition of partitions) source.seek(partition, startAt(partition));
		},
		batch: (batch) => {
			const { partition, fetchedOffset: from, nextOffset: to, records } = batch;
			if (batch.unreadable !== undefined) unreadable.push(batch.unreadable);
			ranges.push({ partition, from, to, records: seenRecords(records) });
			if (onBatch === undefined) batch.resolve();
			else onBatch(batch, reader);
		},
		skipped: (partition, from, lastOffset) => {
			ranges.push({ partition, from, to: lastOffset + 1, records: [] });
		},
		heartbeat: () => {},
		crashed: (error) => {
			throw error;
		},
	});
	return reader;
}
