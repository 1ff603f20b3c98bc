/**
 * A consumer with kafkajs's habits (docs/kafkajs.md): a seek is applied at the next fetch, a pause drops what was
 * fetched, positions and pauses are lost at a join, a fetch without a record is only skipped, and now and then the
 * position jumps, or a batch from before a seek is delivered all the same.
 */
import type { Source, SourceListener, Watermarks } from "../../engine/ports.ts";
import { ArrayCursor } from "../support/record-cursor.ts";
import type { SimTopic } from "./sim-topic.ts";
import type { Host } from "./world.ts";

/** Most offsets a fetch covers. */
const FETCH_OFFSETS_MAX = 30;

/** What the consumer needs of its group. */
export interface Membership {
	join(member: SimSource): void;
	leave(member: SimSource): void;
	heartbeat(member: SimSource): boolean;
}

export class SimSource implements Source {
	readonly host: Host;
	readonly #topic: SimTopic;
	readonly #group: Membership;
	readonly #onDelivered: () => void;
	#listener: SourceListener | null = null;
	#joined = false;
	#assigned: readonly number[] = [];
	#positions = new Map<number, number>();
	#seeks = new Map<number, number>();
	readonly #paused = new Set<number>();

	/** `onDelivered`: called in the tick in which a batch was handled. */
	constructor(host: Host, topic: SimTopic, group: Membership, onDelivered: () => void) {
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
	}

	async stop(): Promise<void> {}
	async publish(): Promise<void> {}

	async rebuild(): Promise<void> {
		this.host.world.note("consumer rebuilt");
		this.#joined = false;
		this.#group.leave(this);
		await this.host.delay(500);
		this.#group.join(this);
	}

	/** What GROUP_JOIN does: positions, seeks and pauses are forgotten. */
	assign(partitions: readonly number[]): void {
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
		await this.host.delay(30);
		if (this.host.world.fault("no watermarks", 0.03)) throw new Error("watermarks");
		return new Map(
			this.#topic.logs.map((_, partition) => [partition, { low: 0, high: this.#topic.end(partition) }]),
		);
	}

	#heartbeat(): void {
		this.host.after(1_000 * (0.5 + this.host.random()), () => {
			if (this.#group.heartbeat(this)) this.#listener!.heartbeat();
			this.#heartbeat();
		});
	}

	/** One request after the other, each for one partition. */
	#fetch(): void {
		const { world } = this.host;
		for (const [partition, offset] of this.#seeks) this.#positions.set(partition, offset);
		this.#seeks.clear();
		const { flowing } = this;
		if (flowing.length > 0) {
			const partition = world.random.pick(flowing);
			if (world.fault("position jumped", 0.01)) {
				this.#positions.set(partition, world.random.below(this.#topic.end(partition) + 1));
			}
			const from = this.#positions.get(partition)!;
			const stale = world.fault("stale batch", 0.03);
			this.host.after(world.random.float() * 5, () => this.#deliver(partition, from, stale));
		}
		this.host.after(5 + world.random.float() * 5, () => this.#fetch());
	}

	#deliver(partition: number, from: number, stale: boolean): void {
		if (!this.flowing.includes(partition) || (this.#seeks.has(partition) && !stale)) return;
		const { random } = this.host.world;
		const to = Math.min(this.#topic.end(partition), from + 1 + random.below(FETCH_OFFSETS_MAX));
		if (from >= to) return;
		const { records } = this.#topic.logs[partition]!;
		const fetched = records.filter(({ offset }) => offset >= from && offset < to);
		if (fetched.length === 0) {
			this.host.world.note("fetch without a record");
			this.#positions.set(partition, to);
			this.#listener!.skipped(partition, from, to - 1);
			return;
		}
		this.#listener!.batch({
			partition,
			fetchedOffset: from,
			nextOffset: to,
			records: new ArrayCursor(fetched),
			resolve: () => this.#positions.set(partition, to),
		});
		this.#onDelivered();
	}
}
