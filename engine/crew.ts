import type {
	CondemnedRecord,
	FromActor,
	OffsetRange,
	PartitionEpoch,
	ToActor,
} from "../workers/messages.ts";
import type { PackedSlice } from "../workers/slice.ts";
import type { ActorWatch } from "./actor-watch.ts";
import { messageOf } from "./core-errors.ts";
import type { Log } from "./log.ts";
import type { Observer } from "./observer.ts";
import type { ActorListener, ActorPort, Clock } from "./ports.ts";

/** Before a start that failed is tried again. */
const RESTART_DELAY_MS = 1_000;

export interface CrewCalls {
	incarnation(): number;
	/** An actor's answer to a barrier of the present incarnation. */
	frozen(message: FromActor & { kind: "frozen" }): void;
	/** An actor died: does that count against the budget of losses, or is a message known to be the cause? */
	judge(shard: number): "counts" | "explained" | "hopeless";
	/** An actor is lost with what it held; a new one is on its way. */
	lost(error: Error): void;
	/** Actors die too often, or one cannot be replaced. */
	broken(error: unknown): void;
	/** Something moved: look again at what is due. */
	act(): void;
}

/** The actors as the supervisor sees them: what is posted is accounted for, and who is lost is replaced (step 11). */
export class Crew implements ActorListener {
	readonly #actors: ActorPort;
	readonly #watch: ActorWatch;
	readonly #observer: Pick<Observer, "actorRestarted">;
	readonly #log: Log;
	readonly #clock: Pick<Clock, "after">;
	readonly #calls: CrewCalls;
	#beingReplaced = 0;
	/** What every actor is told, new ones too. */
	#care: ToActor = { kind: "care", condemned: [], suspects: [] };

	constructor(parts: {
		actors: ActorPort;
		watch: ActorWatch;
		observer: Pick<Observer, "actorRestarted">;
		log: Log;
		clock: Pick<Clock, "after">;
		calls: CrewCalls;
	}) {
		this.#actors = parts.actors;
		this.#watch = parts.watch;
		this.#observer = parts.observer;
		this.#log = parts.log;
		this.#clock = parts.clock;
		this.#calls = parts.calls;
	}

	/** False while an actor is being replaced. */
	get isWhole(): boolean {
		return this.#beingReplaced === 0;
	}

	async start(): Promise<void> {
		await this.#actors.start(this);
		this.drop();
	}

	slice(shard: number, slice: PackedSlice): void {
		this.#watch.posted(shard, slice.byteLength, slice.count);
		const buffers = [slice.values, slice.meta, slice.index];
		this.#actors.post(shard, { kind: "slice", incarnation: this.#calls.incarnation(), slice }, buffers);
	}

	barrier(set: number): void {
		this.#watch.barrier();
		this.#postAll({ kind: "freeze", incarnation: this.#calls.incarnation(), set });
	}

	forget(partitions: readonly number[]): void {
		this.#postAll({ kind: "forget", incarnation: this.#calls.incarnation(), partitions });
	}

	stored(set: number, partitions: readonly PartitionEpoch[]): void {
		this.#postAll({ kind: "stored", incarnation: this.#calls.incarnation(), set, partitions });
	}

	/** Records that need care, in place of those before. */
	care(condemned: readonly CondemnedRecord[], suspects: readonly OffsetRange[]): void {
		this.#care = { kind: "care", condemned, suspects };
		this.#postAll(this.#care);
	}

	/** A new incarnation: everything held is dropped, and no barrier before it will be answered. */
	drop(): void {
		this.#watch.dropBarriers();
		this.#postAll({ kind: "drop", incarnation: this.#calls.incarnation() });
	}

	message(shard: number, message: FromActor): void {
		if (message.kind === "folded") {
			this.#watch.folded(shard, message.byteLength, message.busyMs);
			this.#calls.act();
		} else if (message.kind === "frozen" && message.incarnation === this.#calls.incarnation()) {
			this.#watch.answered(shard);
			this.#calls.frozen(message);
		}
	}

	lost(shard: number, error: Error): void {
		this.#log.error(
			{ component: "actor", actor: shard, err: error },
			`actor ${shard} is lost: ${messageOf(error)}`,
		);
		const judgement = this.#calls.judge(shard);
		if (!this.#watch.lost(shard, judgement === "counts") || judgement === "hopeless") {
			this.#calls.broken(new Error(`actors keep dying; the last one: ${messageOf(error)}`, { cause: error }));
			return;
		}
		this.#observer.actorRestarted(shard);
		this.#beingReplaced++;
		void this.#replace(shard);
		this.#calls.lost(error);
	}

	/** A start that fails counts as one more loss: the machine may be short of memory for a moment. */
	async #replace(shard: number): Promise<void> {
		for (;;) {
			try {
				await this.#actors.replace(shard);
				this.#actors.post(shard, { kind: "drop", incarnation: this.#calls.incarnation() });
				this.#actors.post(shard, this.#care);
				break;
			} catch (error) {
				this.#log.error(
					{ component: "actor", actor: shard, err: error },
					`actor ${shard} did not start: ${messageOf(error)}`,
				);
				if (!this.#watch.lost(shard, true)) {
					this.#calls.broken(error);
					break;
				}
				await new Promise<void>((resolve) => this.#clock.after(RESTART_DELAY_MS, resolve));
			}
		}
		this.#beingReplaced--;
		this.#calls.act();
	}

	#postAll(message: ToActor): void {
		for (let shard = 0; shard < this.#actors.count; shard++) this.#actors.post(shard, message);
	}
}
