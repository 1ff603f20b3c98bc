/**
 * A consumer of kafkajs as it is, without any code of the engine, that writes down all it is told. For contract tests:
 * what they hold is kafkajs's own behaviour.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import {
	AssignerProtocol,
	type Consumer,
	type ConsumerConfig,
	type ConsumerRunConfig,
	type EachBatchPayload,
	Kafka,
	type KafkaConfig,
	logLevel,
	type PartitionAssigner,
} from "kafkajs";
import type { Test } from "tap";
import type { TcpProxy } from "./tcp-proxy.ts";
import { createTopic, send, type TestTopic } from "./topic.ts";

/** One call of `eachBatch`. Offsets are numbers: tests do not come near 2^53. */
export interface SeenBatch {
	readonly partition: number;
	readonly fetchedOffset: number;
	readonly offsets: readonly number[];
	readonly lastOffset: number;
}

/** A fetch without a record for us: END_BATCH_PROCESS with `batchSize` 0. */
export interface SeenSkip {
	readonly partition: number;
	readonly firstOffset: number | null;
	readonly lastOffset: number;
}

export interface RawConsumer {
	readonly consumer: Consumer;
	readonly groupId: string;
	/** Partitions of the topic, by join. */
	readonly joins: readonly (readonly number[])[];
	readonly memberIds: readonly string[];
	readonly batches: readonly SeenBatch[];
	readonly skips: readonly SeenSkip[];
	readonly crashes: readonly { readonly error: Error; readonly restart: boolean }[];
	/** Names of the events, in order; network events and heartbeats are left out. */
	readonly events: readonly string[];
	readonly heartbeats: number;
	/** Offsets given to `eachBatch`, of one partition, in the order of delivery. */
	delivered(partition?: number): number[];
	seek(partition: number, offset: number | string): void;
	pause(...partitions: number[]): void;
	resume(...partitions: number[]): void;
}

export interface RawConsumerOptions {
	/** Default: a random one. */
	readonly groupId?: string;
	readonly client?: Partial<KafkaConfig>;
	readonly config?: Partial<ConsumerConfig>;
	readonly run?: ConsumerRunConfig;
	/** Default true. */
	readonly fromBeginning?: boolean;
	/** Runs inside the `GROUP_JOIN` listener; what it returns is what the listener returns. */
	readonly onJoin?: (raw: RawConsumer, partitions: readonly number[]) => unknown;
	/** Default: resolves the last message. */
	readonly eachBatch?: (payload: EachBatchPayload, raw: RawConsumer) => Promise<void>;
}

/** COORDINATOR_LOAD_IN_PROGRESS. */
const COORDINATOR_LOADING = 14;

/** As the engine has them, except that members that die are given up sooner: the embedded broker allows 1 s. */
const ENGINE_SETTINGS: Omit<ConsumerConfig, "groupId"> = {
	sessionTimeout: 6_000,
	rebalanceTimeout: 6_000,
	heartbeatInterval: 200,
	maxWaitTimeInMs: 250,
	minBytes: 1,
	maxBytesPerPartition: 64 * 1024,
	allowAutoTopicCreation: false,
	readUncommitted: false,
	// The very first group of a new broker may meet a coordinator that is still loading: then kafkajs may try again.
	retry: { restartOnFailure: async (error) => (error as { code?: unknown }).code === COORDINATOR_LOADING },
};

export function randomGroup(): string {
	return `contract-${randomBytes(6).toString("hex")}`;
}

/** Resolves when `run` does, which is behind the first join; disconnected when the test ends. */
export async function startRawConsumer(
	t: Test,
	topic: Pick<TestTopic, "name" | "brokers">,
	options: RawConsumerOptions = {},
): Promise<RawConsumer> {
	const groupId = options.groupId ?? randomGroup();
	const kafka = new Kafka({
		clientId: "contract",
		brokers: [...topic.brokers],
		logLevel: logLevel.NOTHING,
		...options.client,
	});
	const consumer = kafka.consumer({ groupId, ...ENGINE_SETTINGS, ...options.config });
	const seen = {
		joins: [] as number[][],
		memberIds: [] as string[],
		batches: [] as SeenBatch[],
		skips: [] as SeenSkip[],
		crashes: [] as { error: Error; restart: boolean }[],
		events: [] as string[],
		heartbeats: 0,
	};
	const raw: RawConsumer = {
		consumer,
		groupId,
		...seen,
		get heartbeats() {
			return seen.heartbeats;
		},
		delivered: (partition) =>
			seen.batches
				.filter((batch) => partition === undefined || batch.partition === partition)
				.flatMap(({ offsets }) => offsets),
		seek: (partition, offset) => consumer.seek({ topic: topic.name, partition, offset: String(offset) }),
		pause: (...partitions) => consumer.pause([{ topic: topic.name, partitions }]),
		resume: (...partitions) => consumer.resume([{ topic: topic.name, partitions }]),
	};
	const { events } = consumer;
	consumer.on(events.HEARTBEAT, () => void seen.heartbeats++);
	for (const name of [events.REBALANCING, events.STOP, events.DISCONNECT, events.FETCH_START]) {
		consumer.on(name, () => void seen.events.push(name));
	}
	consumer.on(events.CRASH, ({ payload }) => {
		seen.events.push(events.CRASH);
		seen.crashes.push({ error: payload.error, restart: payload.restart });
	});
	consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
		if (payload.batchSize !== 0) return;
		const { partition, firstOffset, lastOffset } = payload as unknown as Record<string, string | null>;
		seen.skips.push({
			partition: Number(partition),
			firstOffset: firstOffset === null ? null : Number(firstOffset),
			lastOffset: Number(lastOffset),
		});
	});
	consumer.on(events.GROUP_JOIN, ({ payload }) => {
		const partitions = [...(payload.memberAssignment[topic.name] ?? [])].sort((a, b) => a - b);
		seen.events.push(events.GROUP_JOIN);
		seen.joins.push(partitions);
		seen.memberIds.push(payload.memberId);
		return options.onJoin?.(raw, partitions) as undefined;
	});
	t.teardown(() => consumer.disconnect());
	await consumer.connect();
	await consumer.subscribe({ topics: [topic.name], fromBeginning: options.fromBeginning ?? true });
	await consumer.run({
		autoCommit: false,
		eachBatchAutoResolve: false,
		partitionsConsumedConcurrently: 1,
		...options.run,
		eachBatch: async (payload) => {
			const { batch } = payload;
			seen.batches.push({
				partition: batch.partition,
				fetchedOffset: Number((batch as unknown as { fetchedOffset: string }).fetchedOffset),
				offsets: batch.messages.map(({ offset }) => Number(offset)),
				lastOffset: Number(batch.lastOffset()),
			});
			if (options.eachBatch !== undefined) await options.eachBatch(payload, raw);
			else payload.resolveOffset(batch.messages.at(-1)!.offset);
		},
	});
	return raw;
}

/**
 * What each member gets, decided by the names the members have given themselves; whoever is not named is not even told
 * of the topic.
 */
export type Placement = (names: readonly string[]) => Readonly<Record<string, readonly number[]>>;

/** An assigner for a test that must know who owns what: the leader, which is the member that came first, decides. */
export function placedBy(topic: string, name: string, place: Placement): PartitionAssigner {
	return () => ({
		name: "placed",
		version: 0,
		async assign({ members }) {
			const nameOf = ({ memberMetadata }: { memberMetadata: Buffer }): string =>
				String(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData);
			const placed = place(members.map(nameOf));
			return members.map((member) => {
				const mine = placed[nameOf(member)];
				return {
					memberId: member.memberId,
					memberAssignment: AssignerProtocol.MemberAssignment.encode({
						version: 0,
						assignment: mine === undefined ? {} : { [topic]: [...mine] },
						userData: Buffer.alloc(0),
					}),
				};
			});
		},
		protocol: ({ topics }) => ({
			name: "placed",
			metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.from(name) }),
		}),
	});
}

/** A topic whose partitions hold `count` records each. */
export async function filledTopic(t: Test, partitions: number, count: number): Promise<TestTopic> {
	const topic = await createTopic(t, { partitions });
	for (let partition = 0; partition < partitions; partition++) {
		await send(
			topic,
			Array.from({ length: count }, (_, i) => ({ value: `${partition}/${i}`, partition })),
		);
	}
	return topic;
}

/** A client whose every connection goes through the proxy, whatever address the broker names; quick to lose patience. */
export function throughProxy({ port }: TcpProxy): Partial<KafkaConfig> {
	return {
		socketFactory: ({ onConnect }) => connect({ host: "127.0.0.1", port }, onConnect),
		requestTimeout: 600,
		connectionTimeout: 300,
	};
}
