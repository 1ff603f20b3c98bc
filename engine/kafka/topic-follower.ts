import type { BrokerInside, ClusterInside, RequestOf } from "./cluster-inside.ts";
import { FETCH, FETCH_BY_ID_VERSION, type FetchOptions, fetchById } from "./fetch-by-id.ts";
import { fetchBytes, fetchBytesEach } from "./fetch-size.ts";
import { FetchTurns } from "./fetch-turns.ts";
import type { BatchDecoder } from "./record-batches.ts";
import { readTopicId } from "./topic-id.ts";

/**
 * How long a broker may hold a fetch for which it has nothing. kafkajs has one setting for this and for its sleep while
 * every partition is paused: that one must be short, or Postgres has nothing to do before Kafka is read again.
 */
const FETCH_WAIT_MS = 250;

/**
 * Keeps to one topic, not to a name: fetches ask by its id, so that nothing of a topic that was created again under the
 * name is ever delivered as if it were the old one's (K33). The new one is gone over to at a join, and whoever calls
 * `accept` there must have forgotten all positions by then. Brokers before 3.1 are asked by name, as kafkajs does.
 */
export class TopicFollower {
	readonly #topic: string;
	readonly #decode: BatchDecoder;
	readonly #inFlightBytesMax: number;
	readonly #turns = new FetchTurns();
	/** That which is fetched. */
	#accepted: string | null = null;
	/** As of the last reading of the metadata. */
	#current: string | null = null;

	/** `decode`: of what is fetched by the topic's id. What is asked for by name, kafkajs's own decoder reads. */
	constructor(topic: string, decode: BatchDecoder, inFlightBytesMax: number) {
		this.#topic = topic;
		this.#decode = decode;
		this.#inFlightBytesMax = inFlightBytesMax;
	}

	/** To be called before the consumer of this cluster subscribes. Survives the consumer. */
	follow(cluster: Pick<ClusterInside, "refreshMetadata" | "brokerPool">): void {
		const refresh = cluster.refreshMetadata.bind(cluster);
		// A broker that has no topic of our id makes kafkajs refresh, then join again.
		cluster.refreshMetadata = async () => {
			await refresh();
			this.#current = (await readTopicId(cluster, this.#topic)) ?? this.#current;
		};
	}

	/** At a join: from now on fetches ask for the topic that has the name now. Returns whether that is another one. */
	accept(): boolean {
		const isAnother = this.#accepted !== null && this.#accepted !== this.#current;
		this.#accepted = this.#current;
		return isAnother;
	}

	/** Hook for the fetches of this cluster. */
	fetch(requestOf: RequestOf, { versions }: Pick<BrokerInside, "versions">): RequestOf {
		const canAsk = (versions?.[FETCH]?.maxVersion ?? 0) >= FETCH_BY_ID_VERSION;
		const id = this.#accepted;
		if (id === null || !canAsk) {
			return (options) =>
				requestOf({ ...options, ...this.#all(options as FetchOptions), maxWaitTime: FETCH_WAIT_MS });
		}
		const served = (partition: number) => this.#turns.served(partition);
		const ask = fetchById(requestOf, { name: this.#topic, id, decode: this.#decode, served });
		return (options) =>
			ask({ ...options, ...this.#inTurns(options as FetchOptions), maxWaitTime: FETCH_WAIT_MS });
	}

	#inTurns({ topics }: FetchOptions): Pick<FetchOptions, "topics" | "maxBytes"> {
		const { request, partition } = fetchBytes(this.#inFlightBytesMax);
		const inTurns = topics.map((one) => ({ ...one, partitions: this.#turns.inOrder(one.partitions) }));
		return { topics: asking(inTurns, partition), maxBytes: request };
	}

	/** Where nobody tells who was served: all of them at once, so that nobody waits for ever. */
	#all({ topics }: FetchOptions): Pick<FetchOptions, "topics"> {
		const count = topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
		return { topics: asking(topics, fetchBytesEach(count, this.#inFlightBytesMax)) };
	}
}

/** The same partitions, and more of each than kafkajs's one setting for all asks for. */
function asking(topics: FetchOptions["topics"], maxBytes: number): FetchOptions["topics"] {
	return topics.map(({ topic, partitions }) => ({
		topic,
		partitions: partitions.map((one) => ({ ...one, maxBytes })),
	}));
}
