/**
 * Fetch 13: as the last one that kafkajs knows, but the topic is named by its id. A topic that was deleted and created
 * again is another one for the broker, and none of its records can be taken for those of the old one.
 */
import type { RequestOf } from "./cluster-inside.ts";
import { type FetchedPartition, isolated, recordsOf } from "./fetch-patch.ts";
import { FlexibleReader, FlexibleWriter } from "./flexible-wire.ts";
import { kafkaRequest } from "./raw-request.ts";
import type { BatchDecoder } from "./record-batches.ts";

export const FETCH = 1;
export const FETCH_BY_ID_VERSION = 13;

const UNKNOWN_TOPIC_OR_PARTITION = 3;
/** The broker has no topic of this id, or another one than its log has; to kafkajs that is stale metadata. */
const NO_SUCH_TOPIC: ReadonlySet<number> = new Set([100, 103]);

/** What kafkajs asks for. */
export interface FetchOptions {
	readonly replicaId?: number;
	readonly isolationLevel: number;
	readonly maxWaitTime: number;
	readonly minBytes: number;
	readonly maxBytes: number;
	readonly topics: readonly {
		readonly topic: string;
		readonly partitions: readonly {
			readonly partition: number;
			readonly fetchOffset: string;
			readonly maxBytes: number;
		}[];
	}[];
}

/** What all fetches of a consumer have in common. */
export interface FetchedTopic {
	readonly name: string;
	readonly id: string;
	readonly decode: BatchDecoder;
	/** An answer holds records of this partition. */
	served(partition: number): void;
}

/** `requestOf`: kafkajs's own fetch. */
export function fetchById(requestOf: RequestOf, topic: FetchedTopic): RequestOf {
	return (asked) => {
		const options = asked as FetchOptions;
		const recordsIn = (bytes: Buffer | null, partition: number) => {
			if (bytes !== null && bytes.length > 0) topic.served(partition);
			return recordsOf(bytes, topic.decode, offsetAsked(options, partition));
		};
		const made = requestOf(options);
		const about = { apiKey: FETCH, apiVersion: FETCH_BY_ID_VERSION, apiName: "Fetch" };
		return {
			...made,
			request: kafkaRequest(about, () => question(options, topic.id)),
			response: {
				decode: async (bytes) => isolated(await answer(bytes, topic.name, recordsIn)),
				parse: made.response.parse,
			},
		};
	};
}

type RecordsIn = (bytes: Buffer | null, partition: number) => Promise<FetchedPartition["messages"]>;

/** Above 2^53 there is nothing that could be read, see batch-scanner.ts. */
function offsetAsked({ topics }: FetchOptions, partition: number): number {
	return Number(topics[0]?.partitions.find((one) => one.partition === partition)?.fetchOffset ?? 0);
}

function question(options: FetchOptions, topicId: string): Buffer {
	const writer = new FlexibleWriter().noTags();
	writer
		.int32(options.replicaId ?? -1)
		.int32(options.maxWaitTime)
		.int32(options.minBytes)
		.int32(options.maxBytes)
		.int8(options.isolationLevel)
		// No fetch session: every request says everything.
		.int32(0)
		.int32(-1)
		.array(options.topics, ({ partitions }) => {
			writer.uuid(topicId).array(partitions, ({ partition, fetchOffset, maxBytes }) => {
				// Without leader epochs, and without the log start of a follower.
				writer
					.int32(partition)
					.int32(-1)
					.int64(BigInt(fetchOffset))
					.int32(-1)
					.int64(-1n)
					.int32(maxBytes)
					.noTags();
			});
			writer.noTags();
		});
	return writer
		.array([], () => {})
		.string("")
		.noTags()
		.bytes();
}

/** What kafkajs makes of an answer to Fetch 11. */
async function answer(bytes: Buffer, topic: string, recordsIn: RecordsIn) {
	const reader = new FlexibleReader(bytes);
	reader.skipTags();
	const clientSideThrottleTime = reader.int32();
	const errorCode = reader.int16();
	const sessionId = reader.int32();
	const responses: { topicName: string; partitions: FetchedPartition[] }[] = [];
	for (let topics = reader.count(); topics > 0; topics--) {
		reader.uuid();
		const partitions: FetchedPartition[] = [];
		for (let count = reader.count(); count > 0; count--) {
			partitions.push(await partitionIn(reader, recordsIn));
		}
		reader.skipTags();
		responses.push({ topicName: topic, partitions });
	}
	return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

async function partitionIn(reader: FlexibleReader, recordsIn: RecordsIn): Promise<FetchedPartition> {
	const partition = reader.int32();
	const errorCode = reader.int16();
	const highWatermark = String(reader.int64());
	const lastStableOffset = String(reader.int64());
	// kafkajs's own name for the start of the log.
	const lastStartOffset = String(reader.int64());
	const abortedTransactions = [];
	for (let count = reader.count(); count > 0; count--) {
		abortedTransactions.push({ producerId: String(reader.int64()), firstOffset: String(reader.int64()) });
		reader.skipTags();
	}
	const preferredReadReplica = reader.int32();
	const records = reader.byteSequence();
	reader.skipTags();
	return {
		partition,
		errorCode: NO_SUCH_TOPIC.has(errorCode) ? UNKNOWN_TOPIC_OR_PARTITION : errorCode,
		highWatermark,
		lastStableOffset,
		lastStartOffset,
		abortedTransactions,
		preferredReadReplica,
		messages: await recordsIn(records, partition),
	};
}
