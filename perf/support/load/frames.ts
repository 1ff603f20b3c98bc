/** Cutting content into frames: so many events in a row, as one batch for each partition that has any of them. */
import { type LoadContent, type LoadCounts, recordsOf } from "./content.ts";
import { partitionOfKey } from "./murmur2.ts";
import { BatchBuilder, type RecordBatch } from "./record-batch.ts";

/** What falls due at one moment. */
export interface Frame {
	readonly events: number;
	/** Mostly one a partition; more when one would be larger than a broker takes. */
	readonly batches: readonly RecordBatch[];
}

/** Kafka's default `message.max.bytes` is 1,048,588 for a whole batch; a long event more must still fit in. */
const BATCH_BYTES_MAX = 900_000;

/**
 * Frames of `eventsPerFrame` events, the last one of what is left. A record without a key goes to the partition after
 * the one that the last such record went to. `counts` tells what was cut, once the last frame is given.
 */
export function* framesOf(
	content: LoadContent,
	partitions: number,
	eventsPerFrame: number,
	counts: LoadCounts = { records: 0, bad: 0 },
): Generator<Frame> {
	const builders = Array.from({ length: partitions }, (_, partition) => new BatchBuilder(partition));
	const ready: Frame[] = [];
	let batches: RecordBatch[] = [];
	let events = 0;
	let keyless = 0;

	function take(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
		const partition =
			keyStart < 0 ? keyless++ % partitions : partitionOfKey(bytes, keyStart, keyEnd, partitions);
		const builder = builders[partition]!;
		builder.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
		if (builder.bytes > BATCH_BYTES_MAX) finish(builder);
		if (++events === eventsPerFrame) cut();
	}

	function finish(builder: BatchBuilder): void {
		const batch = builder.finish();
		if (batch !== null) batches.push(batch);
	}

	function cut(): void {
		for (const builder of builders) finish(builder);
		ready.push({ events, batches });
		batches = [];
		events = 0;
	}

	for (const _ of recordsOf(content, counts, take)) {
		yield* ready;
		ready.length = 0;
	}
	if (events > 0) cut();
	yield* ready;
}
