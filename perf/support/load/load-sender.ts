/**
 * Sends batches to the leaders of their partitions, acks=all, one request under way per broker and so one batch under way
 * per partition. Nothing is ever sent twice: after an error the count would not be exact, so the first error ends it.
 */
import { type BrokerConnection, connectBroker } from "./broker-connection.ts";
import { findLeaders, type TopicLeaders } from "./leaders.ts";
import { produceBytes, readProduceAnswer, writeProduce } from "./produce-wire.ts";
import type { RecordBatch } from "./record-batch.ts";

/** A batch whose events were due at `dueMs` of the monotonic clock (`performance.now()`). */
export interface DueBatch {
	readonly batch: RecordBatch;
	readonly dueMs: number;
	/** What its latency is counted under; null: nowhere. */
	readonly window: string | null;
}

/** Told when a batch is written to the socket, before anybody can have read it. */
export type OnSent = (due: DueBatch, endOffset: number) => void;

const ACK_TIMEOUT_MS = 30_000;
/** A request below the broker's `socket.request.max.bytes` (100 MB), and below what makes it collect garbage. */
const REQUEST_BYTES_MAX = 16_000_000;

interface Lane {
	readonly connection: BrokerConnection;
	readonly partitions: readonly number[];
	busy: boolean;
	/** Reused for every request: by the time of the answer the last one is out. */
	buffer: Buffer;
}

export class LoadSender {
	readonly partitionCount: number;
	/** By partition: what the next record gets, as of what is written to the socket. */
	readonly nextOffsets: number[];
	/** Records that every in-sync replica has. */
	acknowledged = 0;
	/** Records given to `add` that are not acknowledged yet. */
	pending = 0;
	/** How long after its due time the latest batch was written, in ms. */
	latenessMsMax = 0;
	readonly #topic: string;
	readonly #lanes: readonly Lane[];
	readonly #queues: DueBatch[][];
	readonly #onSent: OnSent;
	/** Wall clock at monotonic 0. */
	readonly #epochMs = Date.now() - performance.now();
	#correlation = 0;
	#failure: Error | null = null;
	#waiters: (() => void)[] = [];

	private constructor(topic: string, found: TopicLeaders, lanes: readonly Lane[], onSent: OnSent) {
		this.#topic = topic;
		this.#lanes = lanes;
		this.#onSent = onSent;
		this.partitionCount = found.partitionCount;
		this.nextOffsets = [...found.endOffsets];
		this.#queues = Array.from({ length: found.partitionCount }, () => []);
	}

	/** @throws Error when the topic is not there, a partition has no leader, or a leader does not answer */
	static async open(brokers: string, topic: string, onSent: OnSent = () => undefined): Promise<LoadSender> {
		const found = await findLeaders(brokers, topic);
		const lanes: Lane[] = [];
		for (const { host, port, partitions } of found.leaders) {
			const connection = await connectBroker(host, port);
			lanes.push({ connection, partitions, busy: false, buffer: Buffer.alloc(0) });
		}
		return new LoadSender(topic, found, lanes, onSent);
	}

	/** Puts it behind what waits for its partition; `pump` sends it. */
	add(due: DueBatch): void {
		this.#queues[due.batch.partition]!.push(due);
		this.pending += due.batch.records;
	}

	/** Sends what waits where nothing is under way. */
	pump(): void {
		for (const lane of this.#lanes) if (!lane.busy) void this.#send(lane);
	}

	/**
	 * Resolves when at most so many records are pending.
	 * @throws Error of the first send that failed
	 */
	async pendingAtMost(records: number): Promise<void> {
		for (;;) {
			if (this.#failure !== null) throw this.#failure;
			if (this.pending <= records) return;
			await new Promise<void>((resolve) => this.#waiters.push(resolve));
		}
	}

	/** Set once a send has failed. */
	get failure(): Error | null {
		return this.#failure;
	}

	close(): void {
		for (const { connection } of this.#lanes) connection.close();
	}

	async #send(lane: Lane): Promise<void> {
		const batches = this.#take(lane);
		if (batches.length === 0 || this.#failure !== null) return;
		lane.busy = true;
		try {
			await this.#request(lane, batches);
		} catch (error) {
			this.#failure ??= new Error(
				`sending to "${this.#topic}" failed, and how much of it Kafka has is unknown: ${(error as Error).message}`,
			);
		}
		lane.busy = false;
		const waiters = this.#waiters;
		this.#waiters = [];
		for (const resolve of waiters) resolve();
		void this.#send(lane);
	}

	/** At most one batch of each partition. */
	#take(lane: Lane): DueBatch[] {
		const batches: DueBatch[] = [];
		let bytes = 0;
		for (const partition of lane.partitions) {
			const queue = this.#queues[partition]!;
			const first = queue[0];
			if (first === undefined || (bytes > 0 && bytes + first.batch.bytes.length > REQUEST_BYTES_MAX))
				continue;
			bytes += first.batch.bytes.length;
			queue.shift();
			batches.push(first);
		}
		return batches;
	}

	async #request(lane: Lane, due: readonly DueBatch[]): Promise<void> {
		const stamped = due.map(({ batch, dueMs }) => ({
			batch,
			timestampMs: Math.floor(this.#epochMs + dueMs),
		}));
		const bytes = produceBytes(this.#topic, stamped);
		if (lane.buffer.length < bytes) lane.buffer = Buffer.allocUnsafeSlow(2 * bytes);
		const correlation = ++this.#correlation & 0x7fffffff;
		const request = { topic: this.#topic, batches: stamped, correlation, ackTimeoutMs: ACK_TIMEOUT_MS };
		const length = writeProduce(lane.buffer, request);
		const nowMs = performance.now();
		const expected = new Map<number, number>();
		for (const one of due) {
			const { batch, dueMs } = one;
			const base = this.nextOffsets[batch.partition]!;
			expected.set(batch.partition, base);
			this.nextOffsets[batch.partition] = base + batch.records;
			this.latenessMsMax = Math.max(this.latenessMsMax, nowMs - dueMs);
			this.#onSent(one, base + batch.records);
		}
		const answer = readProduceAnswer(await lane.connection.ask(lane.buffer.subarray(0, length)));
		if (answer.correlation !== correlation) throw new Error("an answer to another request came");
		for (const { partition, errorCode, errorText, baseOffset } of answer.partitions) {
			if (errorCode !== 0) {
				throw new Error(`error ${errorCode} for partition ${partition}${errorText ? `: ${errorText}` : ""}`);
			}
			if (baseOffset !== expected.get(partition)) {
				throw new Error(
					`a batch for partition ${partition} is at offset ${baseOffset} instead of ${expected.get(partition)}: somebody else sends to this topic`,
				);
			}
			expected.delete(partition);
		}
		if (expected.size > 0) throw new Error(`no answer for partition ${[...expected.keys()].join(", ")}`);
		for (const { batch } of due) {
			this.acknowledged += batch.records;
			this.pending -= batch.records;
		}
	}
}
