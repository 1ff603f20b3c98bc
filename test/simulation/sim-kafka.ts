/**
 * A consumer with kafkajs's habits (docs/kafkajs.md): a seek is applied at the next fetch, a pause drops what was
 * fetched, positions and pauses are lost at a join, a fetch without a record is only skipped, a position outside of the
 * log starts anew at its low end without a word, and now and then the position jumps, a batch from before a seek is
 * delivered all the same, or one is delivered twice.
 */
import type { Source, SourceListener, Watermarks } from "../../engine/ports.ts";
import { ArrayCursor } from "../support/record-cursor.ts";
import type { Host } from "./host.ts";
import type { SimGroup } from "./sim-group.ts";
import type { SimTopic } from "./sim-topic.ts";

/** Most offsets a fetch covers. */
const FETCH_OFFSETS_MAX = 30;
const HEARTBEAT_MS = 700;
/** To the group's coordinator, which may be slow, and half of the way back. */
const ROUND_TRIP_MS = 100;
/** Between two fetches that found nothing. */
const IDLE_MS = 120;

export class SimSource implements Source {
	readonly host: Host;
	/** What Kafka was told, by partition: for lag tools only. */
	readonly published = new Map<number, number>();
	readonly #topic: SimTopic;
	readonly #group: SimGroup;
	readonly #onDelivered: () => void;
	#listener: SourceListener | null = null;
	#joined = false;
	#stopped = false;
	#assigned: readonly number[] = [];
	#positions = new Map<number, number>();
	#seeks = new Map<number, number>();
	readonly #paused = new Set<number>();
	#rebuilding: Promise<void> | null = null;

	/** `onDelivered`: called in the tick in which a batch was handled. */
	constructor(host: Host, topic: SimTopic, group: SimGroup, onDelivered: () => void) {
		this.host = host;
		this.#topic = topic;
		this.#group = group;
		this.#onDelivered = onDelivered;
	}

	/** Partitions that the next fetch asks for. */
	get flowing(): number[] {
		return this.#joined ? this.#assigned.filter((partition) => !this.#paused.has(partition)) : [];
	}

	async start(listener: SourceListener): Promise<void> {
		this.#listener = listener;
		this.#heartbeat();
		this.#fetch();
		this.#group.join(this);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		this.#joined = false;
		this.#group.leave(this);
	}

	async publish(offsets: ReadonlyMap<number, number>): Promise<void> {
		await this.host.delay(20);
		if (this.host.world.fault("publish failed", 0.1)) throw new Error("commitOffsets failed");
		for (const [partition, offset] of offsets) {
			if (this.#assigned.includes(partition)) this.published.set(partition, offset);
		}
	}

	rebuild(): Promise<void> {
		this.#rebuilding ??= this.#rebuild().finally(() => {
			this.#rebuilding = null;
		});
		return this.#rebuilding;
	}

	async #rebuild(): Promise<void> {
		this.host.world.note("consumer rebuilt");
		this.#joined = false;
		this.#group.leave(this);
		await this.host.delay(500);
		if (!this.#stopped) this.#group.join(this);
	}

	/** What GROUP_JOIN does: positions, seeks and pauses are forgotten. */
	assign(partitions: readonly number[]): void {
		if (this.#stopped || this.#rebuilding !== null) return;
		this.#joined = true;
		this.#assigned = partitions;
		this.#positions = new Map(partitions.map((partition) => [partition, 0]));
		this.#seeks.clear();
		this.#paused.clear();
		this.#listener!.joined(partitions);
	}

	pause(partitions: readonly number[]): void {
		if (this.#joined) for (const partition of partitions) this.#paused.add(partition);
	}

	resume(partitions: readonly number[]): void {
		if (this.#joined) for (const partition of partitions) this.#paused.delete(partition);
	}

	seek(partition: number, offset: number): void {
		if (this.#joined) this.#seeks.set(partition, offset);
	}

	async watermarks(): Promise<ReadonlyMap<number, Watermarks>> {
		const topic = this.#topic;
		await this.host.delay(30);
		if (this.host.world.fault("no watermarks", 0.04))
			throw new Error("the brokers do not say where the log ends");
		const all = topic.logs.map((_, partition): [number, Watermarks] => [
			partition,
			{ low: topic.lows[partition]!, high: topic.end(partition) },
		]);
		return new Map(all.filter(([partition]) => partition < topic.count));
	}

	/** The answer may be under way while the process is frozen, and is then heard as if it were new. */
	#heartbeat(): void {
		const { world } = this.host;
		this.host.after(HEARTBEAT_MS * (0.5 + world.random.float()), () => {
			if (this.#stopped) return;
			this.#heartbeat();
			if (this.#rebuilding !== null || world.fault("heartbeat failed", 0.05)) return;
			world.after(world.random.float() * ROUND_TRIP_MS, () => {
				if (this.host.dead) return;
				const answer = this.#group.heartbeat(this);
				this.host.after(world.random.float() * ROUND_TRIP_MS, () => this.#answered(answer));
			});
		});
	}

	#answered(answer: "fine" | "rebalancing" | "unknown"): void {
		if (this.#stopped || this.#rebuilding !== null) return;
		if (answer === "fine") this.#listener!.heartbeat();
		else if (answer === "unknown" && this.#group.heartbeat(this) === "unknown") this.#group.join(this);
	}

	/** One request after the other, each for one partition. */
	#fetch(): void {
		if (this.#stopped) return;
		const { world } = this.host;
		for (const [partition, offset] of this.#seeks) this.#positions.set(partition, offset);
		this.#seeks.clear();
		const { flowing } = this;
		const ready = flowing.filter(
			(partition) => this.#positions.get(partition) !== this.#topic.end(partition),
		);
		if (ready.length === 0) {
			this.host.after(IDLE_MS * (0.5 + world.random.float()), () => this.#fetch());
			return;
		}
		const partition = world.random.pick(ready);
		if (world.fault("position jumped", 0.02)) {
			this.#positions.set(partition, world.random.below(this.#topic.end(partition) + 1));
		}
		const from = this.#positions.get(partition)!;
		const stale = world.fault("stale batch", 0.05);
		this.host.after(world.random.float() * 5, () => this.#deliver(partition, from, stale));
		this.host.after(5 + world.random.float() * 10, () => this.#fetch());
	}

	#deliver(partition: number, from: number, stale: boolean): void {
		if (!this.flowing.includes(partition) || (this.#seeks.has(partition) && !stale)) return;
		const { random } = this.host.world;
		const low = this.#topic.lows[partition]!;
		const end = this.#topic.end(partition);
		if (from < low || from > end) {
			// OFFSET_OUT_OF_RANGE: the consumer says nothing and begins at the start (K10).
			this.host.world.note("position out of range");
			this.#positions.set(partition, low);
			return;
		}
		const to = Math.min(end, from + 1 + random.below(FETCH_OFFSETS_MAX));
		if (from >= to) return;
		const { records } = this.#topic.logs[partition]!;
		const fetched = records.filter(({ offset }) => offset >= from && offset < to);
		if (fetched.length === 0) {
			this.host.world.note("fetch without a record");
			this.#positions.set(partition, to);
			this.#listener!.skipped(partition, from, to - 1);
			return;
		}
		const deliver = () => {
			this.#listener!.batch({
				partition,
				fetchedOffset: from,
				nextOffset: to,
				records: new ArrayCursor(fetched),
				resolve: () => this.#positions.set(partition, to),
			});
			this.#onDelivered();
		};
		deliver();
		if (this.host.world.fault("duplicate batch", 0.03) && this.flowing.includes(partition)) deliver();
	}
}
