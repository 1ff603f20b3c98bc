import { setImmediate } from "node:timers/promises";
import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import type { Limits } from "../limits.ts";
import type { Log } from "../log.ts";
import type { Clock, RebuildReason, Source, SourceListener, Watermarks } from "../ports.ts";
import { createKafka, type KafkaConnection } from "./client.ts";
import { type ClusterInside, hookRequests } from "./cluster-inside.ts";
import { consumerSettings, groupSilenceMsMax } from "./consumer-settings.ts";
import { CrashBudget, REBUILD_DELAY_MS, REBUILD_DELAY_MS_MAX } from "./crash-budget.ts";
import { within } from "./deadline.ts";
import { decoderOf, type KafkaDecoder } from "./decoder.ts";
import { FETCH } from "./fetch-by-id.ts";
import { GroupWatch } from "./group-watch.ts";
import { awaitingLeader, JOIN_GROUP, notingMemberId, SYNC_GROUP } from "./join-requests.ts";
import { leaveGroup } from "./leave-group.ts";
import { sourceBatch } from "./source-batch.ts";
import { stickyAssigner } from "./sticky-assigner.ts";
import { TopicFollower } from "./topic-follower.ts";
import { WatermarkReader } from "./watermark-reader.ts";

export interface KafkaSourceSettings {
	readonly connection: KafkaConnection;
	readonly topic: string;
	readonly groupId: string;
	readonly sessionTimeoutMs: number;
	/** Default: our scanner. */
	readonly decoder?: KafkaDecoder;
	/** The group has given us this name; it is not used before this has settled. Must not reject. */
	readonly onMember?: (memberId: string) => Promise<void>;
	/** The consumer is thrown away and built anew. */
	readonly onRebuild?: (reason: RebuildReason) => void;
	/** We are in the group, for the first time or again. */
	readonly onJoined?: () => void;
}

/** `stop` and `disconnect` of kafkajs can hang on a request in flight (K18); and no join waits longer for our own affairs. */
const PATIENCE_MS = 5_000;
/**
 * kafkajs goes through a whole answer, megabytes, in one turn of the event loop, and Postgres would have to wait for it.
 * After each batch would be too often: with many small ones the turns cost a quarter of the engine's CPU.
 */
const BUSY_MS_MAX = 2;
/** All tries of kafkajs for one request. */
const PUBLISH_DEADLINE_MS = 40_000;

/**
 * kafkajs behind the `Source` port: it keeps the group, the connections and the fetch protocol; positions, pauses and
 * what was counted are ours. Numbers such as K4 name the row of docs/kafkajs.md that says why.
 */
export class KafkaSource implements Source {
	readonly #settings: KafkaSourceSettings;
	readonly #crashes: CrashBudget;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #follower: TopicFollower;
	readonly #watermarks: WatermarkReader;
	readonly #watch: GroupWatch;
	readonly #silenceMsMax: number;
	#listener: SourceListener | null = null;
	#consumer: Consumer | null = null;
	/** Its group exists only from the first join on; before, kafkajs throws at pauses and seeks. */
	#joined = false;
	/** Raised for every consumer: what an older one still says is ignored. */
	#era = 0;
	#owned: readonly number[] = [];
	#stopped = false;
	#rebuilding: Promise<void> | null = null;
	/** The era whose consumer is known to be dead. */
	#crashedEra = 0;
	/** What batches have taken since the event loop had its last turn. */
	#busyMs = 0;
	/** The name of our last consumer in the group. */
	#memberId: string | null = null;

	constructor(
		settings: KafkaSourceSettings,
		limits: Pick<Limits, "crashesMax" | "crashWindowMs" | "setBytesMax">,
		clock: Clock,
		log: Log,
	) {
		this.#settings = settings;
		this.#crashes = new CrashBudget(limits, clock);
		this.#clock = clock;
		this.#log = log.child({ component: "kafka" });
		const decoder = decoderOf(settings.decoder ?? "scanner");
		this.#follower = new TopicFollower(settings.topic, decoder, limits.setBytesMax);
		const admin = () => createKafka(settings.connection, this.#log).admin();
		this.#watermarks = new WatermarkReader(settings.topic, admin, clock);
		this.#silenceMsMax = groupSilenceMsMax(settings.sessionTimeoutMs);
		this.#watch = new GroupWatch(this.#silenceMsMax, clock, () => {
			if (this.#rebuilding !== null) return;
			this.#log.warn("the consumer group has not answered for too long; building a new consumer");
			void this.rebuild("stall");
		});
	}

	async start(listener: SourceListener): Promise<void> {
		this.#listener = listener;
		this.#watch.start();
		this.#rebuilding = this.#build();
		await this.#rebuilding;
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		this.#watch.stop();
		await this.#close();
	}

	rebuild(reason: RebuildReason): Promise<void> {
		if (this.#rebuilding === null) this.#settings.onRebuild?.(reason);
		this.#rebuilding ??= this.#build();
		return this.#rebuilding;
	}

	pause(partitions: readonly number[]): void {
		if (!this.#joined) return;
		this.#consumer?.pause([{ topic: this.#settings.topic, partitions: [...partitions] }]);
	}

	resume(partitions: readonly number[]): void {
		if (!this.#joined) return;
		this.#consumer?.resume([{ topic: this.#settings.topic, partitions: [...partitions] }]);
	}

	seek(partition: number, offset: number): void {
		if (!this.#joined) return;
		this.#consumer?.seek({ topic: this.#settings.topic, partition, offset: String(offset) });
	}

	watermarks(): Promise<ReadonlyMap<number, Watermarks>> {
		return this.#watermarks.read();
	}

	async publish(offsets: ReadonlyMap<number, number>): Promise<void> {
		const { topic } = this.#settings;
		// kafkajs accepts offsets of partitions that are somebody else's by now (K24).
		const owned = [...offsets].filter(([partition]) => this.#owned.includes(partition));
		if (owned.length === 0 || this.#consumer === null) return;
		const publishing = this.#consumer.commitOffsets(
			owned.map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
		);
		await within(this.#clock, "publish offsets", PUBLISH_DEADLINE_MS, publishing);
	}

	async #connect(): Promise<void> {
		const era = ++this.#era;
		const { connection, topic, groupId, sessionTimeoutMs } = this.#settings;
		const kafka: Kafka = createKafka(connection, this.#log);
		const settings = consumerSettings(sessionTimeoutMs);
		const consumer = kafka.consumer({
			groupId,
			...settings,
			partitionAssigners: [
				(kit) => {
					const cluster = kit.cluster as unknown as ClusterInside;
					this.#follower.follow(cluster);
					hookRequests(cluster, {
						[FETCH]: (requestOf, broker) => this.#follower.fetch(requestOf, broker),
						[JOIN_GROUP]: (requestOf) => notingMemberId(requestOf, (memberId) => this.#named(memberId)),
						[SYNC_GROUP]: (requestOf) => awaitingLeader(requestOf, settings.rebalanceTimeout),
					});
					return stickyAssigner(topic, () => this.#owned)(kit);
				},
			],
		});
		this.#consumer = consumer;
		this.#listen(consumer, era);
		const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
			const batch = era === this.#era && !this.#stopped ? sourceBatch(payload) : null;
			if (batch === null) return;
			const sinceMs = this.#clock.monotonicMs();
			this.#listener?.batch(batch);
			this.#busyMs += this.#clock.monotonicMs() - sinceMs;
			if (this.#busyMs < BUSY_MS_MAX) return;
			this.#busyMs = 0;
			await setImmediate();
		};
		const manual = { autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: 1 };
		const steps = [
			() => this.#watermarks.connect(),
			() => this.#leaveAsBefore(kafka),
			() => consumer.connect(),
			() => consumer.subscribe({ topics: [topic], fromBeginning: true }),
			() => consumer.run({ ...manual, eachBatch }),
		];
		for (const step of steps) {
			// Given up meanwhile: it must not come back to life, and to the group.
			if (era !== this.#era) return;
			await step();
		}
	}

	#listen(consumer: Consumer, era: number): void {
		const { topic } = this.#settings;
		const current = (): boolean => era === this.#era && !this.#stopped;
		consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
			if (!current()) return;
			this.#joined = true;
			this.#watch.heard();
			this.#settings.onJoined?.();
			this.#owned = [...(payload.memberAssignment[topic] ?? [])].sort((a, b) => a - b);
			if (this.#follower.accept()) {
				this.#log.error(
					`topic ${topic} was deleted and created again: nothing more is read from it before Postgres was asked`,
				);
				// Every partition is lost with the old topic, and comes back with nothing kept.
				this.#listener?.joined([]);
			}
			// Synchronously: the first fetch follows this event without a pause (K4).
			this.#listener?.joined(this.#owned);
		});
		// Emitted in the tick in which its group is gone; CRASH comes only after all its sockets are closed, and until
		// then pauses and seeks would throw.
		consumer.on(consumer.events.STOP, () => {
			if (era === this.#era) this.#joined = false;
		});
		consumer.on(consumer.events.HEARTBEAT, () => {
			if (!current()) return;
			this.#watch.heard();
			this.#listener?.heartbeat();
		});
		consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
			// Null: a batch that cannot be read, which was delivered as such.
			if (!current() || payload.batchSize !== 0 || payload.firstOffset === null) return;
			// `firstOffset` is the offset asked for (batch-patch.ts).
			this.#listener?.skipped(payload.partition, Number(payload.firstOffset), Number(payload.lastOffset));
		});
		consumer.on(consumer.events.CRASH, ({ payload }) => {
			if (current()) this.#crashed(payload.error);
		});
	}

	#crashed(error: Error): void {
		this.#crashedEra = this.#era;
		const delayMs = this.#crashes.crashed();
		if (delayMs === null) {
			this.#listener?.crashed(
				new Error(`the Kafka consumer keeps crashing; last: ${error.message}`, { cause: error }),
			);
			return;
		}
		this.#log.warn({ err: error, delayMs }, `the consumer crashed (${error.message}); building a new one`);
		this.#clock.after(delayMs, () => void this.rebuild("crash"));
	}

	async #named(memberId: string): Promise<void> {
		this.#memberId = memberId;
		await this.#notLong(this.#settings.onMember?.(memberId));
	}

	/**
	 * A consumer that crashed has left nobody: the group would wait for our own ghost until its session ends. The name is
	 * ours, so nobody who lives is put out; when it fails, the session ends by itself.
	 */
	async #leaveAsBefore(kafka: Kafka): Promise<void> {
		const memberId = this.#memberId;
		this.#memberId = null;
		if (memberId === null) return;
		await this.#notLong(leaveGroup(kafka, this.#settings.groupId, memberId));
	}

	#build(): Promise<void> {
		return this.#rebuild().finally(() => {
			this.#rebuilding = null;
		});
	}

	/** Tries until it is connected or stopped: Kafka being away is not our failure. */
	async #rebuild(): Promise<void> {
		let delayMs = REBUILD_DELAY_MS;
		while (!this.#stopped) {
			await this.#close();
			try {
				await within(this.#clock, "join the group", this.#silenceMsMax, this.#connect());
				// `run` resolves for a consumer that crashed while it joined, too.
				if (this.#crashedEra !== this.#era) return;
			} catch (error) {
				this.#log.warn({ err: error }, `Kafka cannot be reached (${(error as Error).message}); trying again`);
			}
			await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
			delayMs = Math.min(delayMs * 2, REBUILD_DELAY_MS_MAX);
		}
	}

	async #close(): Promise<void> {
		this.#era++;
		this.#joined = false;
		const closing = [this.#consumer?.disconnect(), this.#watermarks.close()];
		this.#consumer = null;
		await this.#notLong(Promise.allSettled(closing));
	}

	async #notLong(work: Promise<unknown> = Promise.resolve()): Promise<void> {
		await within(this.#clock, "", PATIENCE_MS, work).catch(() => {});
	}
}
