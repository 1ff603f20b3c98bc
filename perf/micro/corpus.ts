/**
 * What the stages work on: the usual stream, as answers to fetches and as packed slices, made by the code of the load
 * sender and of the engine.
 */
import { appendStandIn, type StandIn, scannedRecords } from "../../engine/kafka/batch-scanner.ts";
import { decodeRecordBatches } from "../../engine/kafka/record-batches.ts";
import { limitsOf } from "../../engine/limits.ts";
import type { RecordCursor } from "../../engine/ports.ts";
import { Router } from "../../engine/router.ts";
import type { PackedSlice } from "../../workers/slice.ts";
import { ENGINE_FETCH, IN_FLIGHT_BYTES_MAX } from "../support/engine-fetch.ts";
import { type LoadContent, recordsOf, USUAL_CONTENT } from "../support/load/content.ts";
import { murmur2 } from "../support/load/murmur2.ts";
import { BatchBuilder, stampBatch } from "../support/load/record-batch.ts";

/** What a broker answers to one fetch for one partition. */
export interface Fetched {
	readonly partition: number;
	/** Offset of the first record. */
	readonly from: number;
	readonly bytes: Buffer;
}

export interface Corpus {
	readonly events: number;
	/** Bytes of all values. */
	readonly valueBytes: number;
	/** Cents of all tickets and rewards, as JSON.parse reads them. */
	readonly cents: number;
	readonly fetched: readonly Fetched[];
	/** The same records as the router packs them, by actor. */
	readonly slices: readonly (readonly PackedSlice[])[];
}

export const PARTITIONS = 8;
const RECORDS_PER_BATCH = 250;
/** As the engine asks for. */
const FETCH_BYTES = ENGINE_FETCH.partition;
export const ACTORS = 2;
/** Half a year behind the events: a backlog, whose events are all late. */
const RECORD_AGE_MS = 180 * 86_400_000;

/** As the engine has them by default. */
export const LIMITS = limitsOf({
	flushIntervalMs: 50,
	// The default: on a busy engine sets are larger still.
	flushRowsMax: 30_000,
	inFlightBytesMax: IN_FLIGHT_BYTES_MAX,
});

/** Packs into slices for `ACTORS` actors; slices are never posted for their age. */
export function createRouter(post: (shard: number, slice: PackedSlice) => void): Router {
	return new Router(ACTORS, LIMITS, { after: () => ({ cancel: () => undefined }) }, post);
}

/** An answer as the engine decodes it by default: one message stands for each batch. */
export async function decode({ bytes, from }: Fetched): Promise<readonly StandIn[]> {
	const { records, unreadable } = await decodeRecordBatches(bytes, appendStandIn, from);
	if (unreadable !== null) throw new Error(`the corpus cannot be read: ${unreadable}`);
	return records as StandIn[];
}

/** The records behind the messages of an answer, once more at each call. */
export function recordsIn(messages: readonly StandIn[], { from }: Fetched): RecordCursor {
	const cursor = scannedRecords(messages, from);
	if (cursor === null) throw new Error("the corpus was decoded by somebody else");
	return cursor;
}

/** @throws Error when the generator gives anything else than was asked for */
export async function createCorpus(
	content: Partial<LoadContent> & Pick<LoadContent, "events">,
): Promise<Corpus> {
	const whole = { ...USUAL_CONTENT, ...content };
	const timestampMs = whole.startSeconds * 1000 + RECORD_AGE_MS;
	const topic = Array.from({ length: PARTITIONS }, (_, partition) => new Partition(partition, timestampMs));
	const counts = { records: 0, bad: 0 };
	let valueBytes = 0;
	let cents = 0;
	const take = (bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => {
		const hash = keyStart < 0 ? 0 : murmur2(bytes, keyStart, keyEnd);
		topic[(hash & 0x7fffffff) % PARTITIONS]!.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
		valueBytes += valueEnd - valueStart;
		const { amount = 0 } = JSON.parse(bytes.toString("utf8", valueStart, valueEnd)).payload as {
			amount?: number;
		};
		cents += Math.round(amount * 100);
	};
	for (const _ of recordsOf(whole, counts, take));
	if (counts.records !== whole.events || counts.bad > 0)
		throw new Error(`${counts.records} events were made, ${counts.bad} of them bad, not ${whole.events}`);
	const answers = topic.map((partition) => partition.finish());
	const longest = Math.max(...answers.map(({ length }) => length));
	// In turn, so that hours go by in all partitions together.
	const fetched = Array.from({ length: longest }, (_, i) => answers.flatMap((of) => of[i] ?? [])).flat();
	return { events: whole.events, valueBytes, cents, fetched, slices: await pack(fetched) };
}

async function pack(fetched: readonly Fetched[]): Promise<PackedSlice[][]> {
	const slices: PackedSlice[][] = Array.from({ length: ACTORS }, () => []);
	const router = createRouter((shard, slice) => slices[shard]!.push(slice));
	for (const each of fetched) router.route(recordsIn(await decode(each), each), each.partition, 1, each.from);
	router.flush();
	return slices;
}

/** Batches and answers of one partition. */
class Partition {
	readonly #partition: number;
	readonly #timestampMs: number;
	readonly #builder: BatchBuilder;
	readonly #answers: Fetched[] = [];
	#batches: Buffer[] = [];
	#batchBytes = 0;
	#from = 0;
	#next = 0;

	constructor(partition: number, timestampMs: number) {
		this.#partition = partition;
		this.#timestampMs = timestampMs;
		this.#builder = new BatchBuilder(partition);
	}

	add(...record: Parameters<BatchBuilder["add"]>): void {
		this.#builder.add(...record);
		if (this.#builder.records === RECORDS_PER_BATCH) this.#endBatch();
	}

	finish(): readonly Fetched[] {
		this.#endBatch();
		this.#endAnswer();
		return this.#answers;
	}

	#endBatch(): void {
		const batch = this.#builder.finish();
		if (batch === null) return;
		const bytes = Buffer.alloc(batch.bytes.length);
		stampBatch(batch, bytes, 0, this.#timestampMs);
		// The broker writes it; the checksum does not cover it.
		bytes.writeBigInt64BE(BigInt(this.#next), 0);
		if (this.#batchBytes + bytes.length > FETCH_BYTES) this.#endAnswer();
		this.#batches.push(bytes);
		this.#batchBytes += bytes.length;
		this.#next += batch.records;
	}

	#endAnswer(): void {
		const bytes = Buffer.concat(this.#batches);
		if (bytes.length > 0) this.#answers.push({ partition: this.#partition, from: this.#from, bytes });
		this.#batches = [];
		this.#batchBytes = 0;
		this.#from = this.#next;
	}
}
