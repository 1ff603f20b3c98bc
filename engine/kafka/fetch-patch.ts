/**
 * What kafkajs does with a batch it cannot read: it throws inside the answer to a fetch, which holds all partitions of
 * that broker, and after some tries its consumer is dead. Here each partition is decoded for itself
 * (record-batches.ts), and one that cannot be read is handed to `eachBatch` as a batch without records that says why.
 * Records of aborted transactions are taken out here too (aborted.ts).
 */
import { createRequire } from "node:module";
import { type AbortedTransaction, hideAborted } from "./aborted.ts";
import { appendMessages } from "./kafkajs-decoder.ts";
import { type BatchDecoder, type DecodedRecord, decodeRecordBatches } from "./record-batches.ts";

interface Batch {
	readonly rawMessages: readonly DecodedRecord[];
	isEmpty(): boolean;
}

/** One partition in an answer, as kafkajs's `Batch` takes it. */
export interface FetchedPartition {
	readonly partition: number;
	readonly highWatermark: string;
	readonly lastStableOffset: string;
	readonly lastStartOffset: string;
	readonly preferredReadReplica: number;
	errorCode: number;
	messages: DecodedRecord[];
	/** Null for consumers that read uncommitted records too. */
	abortedTransactions: readonly AbortedTransaction[] | null;
}

interface FetchAnswer {
	readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

interface FetchResponse {
	decode(bytes: Buffer): Promise<FetchAnswer>;
}

interface Decoder {
	readInt32(): number;
	readBytes(length: number): Buffer;
	canReadBytes(length: number): boolean;
}

/** Version 3 and older are for brokers before 0.11. */
const FETCH_VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11] as const;
/** The broker's own answer when it cannot make out the batches on its disk. */
const CORRUPT_MESSAGE = 2;

/** By the array that kafkajs passes on from the response to its `Batch`. */
const reasons = new WeakMap<readonly DecodedRecord[], string>();
let isPatched = false;

/** Why the records from the position of this batch on cannot be read; null when it is a batch like any other. */
export function unreadableReason(batch: object): string | null {
	return reasons.get((batch as Batch).rawMessages) ?? null;
}

/** Safe to call again. Throws when this kafkajs has another inside: then the patch must be looked at, not skipped. */
export function patchFetch(): void {
	if (isPatched) return;
	const require = createRequire(import.meta.url);
	const folder = "kafkajs/src/protocol/requests/fetch";
	const decodeMessages = require.resolve(`${folder}/v4/decodeMessages`);
	require(decodeMessages);
	const module = require.cache[decodeMessages];
	const { prototype } = require("kafkajs/src/consumer/batch") as { prototype: Batch };
	if (typeof module?.exports !== "function" || typeof prototype.isEmpty !== "function") throw changed();
	module.exports = decodeOne;
	for (const version of FETCH_VERSIONS) {
		const path = require.resolve(`${folder}/v${version}/response`);
		// Whatever was loaded before holds the old function; kafkajs requires these anew for every request.
		delete require.cache[path];
	}
	for (const version of FETCH_VERSIONS) {
		const response = require(`${folder}/v${version}/response`) as FetchResponse;
		if (typeof response.decode !== "function") throw changed();
		const { decode } = response;
		response.decode = async (bytes) => isolated(await decode(bytes));
	}
	const { isEmpty } = prototype;
	prototype.isEmpty = function (this: Batch): boolean {
		return !reasons.has(this.rawMessages) && isEmpty.call(this);
	};
	isPatched = true;
}

async function decodeOne(decoder: Decoder): Promise<DecodedRecord[]> {
	const size = decoder.readInt32();
	if (size <= 0 || !decoder.canReadBytes(size)) return [];
	// Every client of the process reads through here, and expects kafkajs's messages.
	return recordsOf(decoder.readBytes(size), appendMessages, 0);
}

/**
 * The readable ones at the beginning of what a broker sent; when there are none, the array knows why. `from`: the offset
 * that was asked for.
 */
export async function recordsOf(
	bytes: Buffer | null,
	decode: BatchDecoder,
	from: number,
): Promise<DecodedRecord[]> {
	const { records, unreadable } = await decodeRecordBatches(bytes ?? Buffer.alloc(0), decode, from);
	if (unreadable !== null) reasons.set(records, unreadable);
	return records;
}

/**
 * Takes aborted records out, and the error code of one partition that would make kafkajs drop the answers for all of them.
 */
export function isolated<Answer extends FetchAnswer>(answer: Answer): Answer {
	for (const partition of answer.responses.flatMap(({ partitions }) => partitions)) {
		if (partition.abortedTransactions !== null && partition.abortedTransactions.length > 0) {
			hideAborted(partition.messages, partition.abortedTransactions);
			partition.abortedTransactions = [];
		}
		if (partition.errorCode !== CORRUPT_MESSAGE) continue;
		partition.errorCode = 0;
		partition.messages = [];
		reasons.set(partition.messages, "the broker finds its log broken (CORRUPT_MESSAGE)");
	}
	return answer;
}

function changed(): TypeError {
	return new TypeError("kafkajs decodes fetches in another way by now: review engine/kafka/fetch-patch.ts");
}
