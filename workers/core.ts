/**
 * The actor without its thread: messages in, answers out, nothing else. Its state is keyed by partition and epoch.
 */
import { createValidator } from "../schema/validate.ts";
import { SliceFolder } from "./fold-slice.ts";
import type { ActorSettings, FromActor, PartitionEpoch, ToActor } from "./messages.ts";
import type { FrozenPart, PartitionFold } from "./part.ts";
import { PartitionState } from "./partition-state.ts";
import type { PackedSlice } from "./slice.ts";
import { StoredIds } from "./stored-ids.ts";
import { Suspects } from "./suspects.ts";

/** Time that only ever grows, in ms. */
export type MonotonicMs = () => number;

type Message<Kind extends ToActor["kind"]> = Extract<ToActor, { kind: Kind }>;

/** `partition:epoch`, the key of everything an actor holds. */
function keyOf({ partition, epoch }: PartitionEpoch): string {
	return `${partition}:${epoch}`;
}

export class ActorCore {
	readonly #settings: ActorSettings;
	readonly #nowMs: MonotonicMs;
	readonly #folder: SliceFolder;
	readonly #stored: StoredIds;
	/** The open set. */
	#open = new Map<string, PartitionState>();
	/** Frozen sets without an acknowledgement, oldest first: only their members are still of use. */
	readonly #awaiting = new Map<number, Map<string, PartitionState>>();
	readonly #suspects: Suspects;
	/** Null before the first message, whose incarnation is adopted: a new thread has nothing that could be stale. */
	#incarnation: number | null = null;

	constructor(settings: ActorSettings, nowMs: MonotonicMs) {
		this.#settings = settings;
		this.#nowMs = nowMs;
		this.#folder = new SliceFolder(createValidator(), settings.rules);
		this.#stored = new StoredIds(settings.storedIdsMax);
		this.#suspects = new Suspects(settings.currentRecord);
	}

	/** Ids kept as known to be in Postgres, users and sessions together. */
	get storedIds(): number {
		return this.#stored.size;
	}

	/** Sets frozen and not acknowledged. */
	get awaitingSets(): number {
		return this.#awaiting.size;
	}

	/**
	 * Handles one message; the answer, if there is one, is for the supervisor.
	 *
	 * @throws Error on a message that breaks the protocol. Bad data never throws: it becomes dead letters.
	 */
	handle(message: ToActor): FromActor | null {
		switch (message.kind) {
			case "slice":
				return this.#slice(message);
			case "freeze":
				return this.#isCurrent(message) ? this.#freeze(message.set) : null;
			case "forget":
				if (this.#isCurrent(message)) this.#forget(new Set(message.partitions));
				return null;
			case "drop":
				this.#drop(message.incarnation);
				return null;
			case "stored":
				if (this.#isCurrent(message)) this.#acknowledge(message);
				return null;
			case "care":
				this.#suspects.careFor(message.condemned, message.suspects);
				return null;
			case "stop":
				return null;
		}
	}

	#slice({ incarnation, slice }: Message<"slice">): FromActor {
		const { byteLength } = slice;
		if (!this.#isCurrent({ incarnation })) return { kind: "folded", incarnation, byteLength, busyMs: 0 };
		const startedMs = this.#nowMs();
		this.#fold(slice);
		return { kind: "folded", incarnation, byteLength, busyMs: this.#nowMs() - startedMs };
	}

	#fold(slice: PackedSlice): void {
		this.#folder.fold(slice, (run) => this.#stateOf(run), this.#suspects.inside(slice));
		this.#suspects.leave();
	}

	#stateOf(run: PartitionEpoch): PartitionState {
		const key = keyOf(run);
		let state = this.#open.get(key);
		if (state === undefined) {
			state = new PartitionState(this.#settings.topic, run, this.#stored);
			this.#open.set(key, state);
		}
		return state;
	}

	#freeze(set: number): FromActor {
		const states = this.#open;
		this.#open = new Map();
		const folds = [...states.values()].map((state) => state.freeze());
		if (states.size > 0) this.#awaiting.set(set, states);
		const part: FrozenPart = { shard: this.#settings.shard, folds, byteLength: heldBytes(folds) };
		return { kind: "frozen", incarnation: this.#incarnation!, set, part };
	}

	#forget(partitions: ReadonlySet<number>): void {
		for (const states of [this.#open, ...this.#awaiting.values()]) {
			for (const [key, { partition }] of states) if (partitions.has(partition)) states.delete(key);
		}
	}

	#drop(incarnation: number): void {
		if (this.#incarnation !== null && incarnation < this.#incarnation) return;
		this.#incarnation = incarnation;
		this.#open.clear();
		this.#awaiting.clear();
		// Postgres may have been restored to an older state: what was stored there may not be any more.
		this.#stored.clear();
	}

	#acknowledge({ set, partitions }: Message<"stored">): void {
		const states = this.#awaiting.get(set);
		if (states !== undefined) {
			for (const pair of partitions) states.get(keyOf(pair))?.members.store();
		}
		// Sets are committed in order, so nothing up to this one can be acknowledged any more.
		for (const awaited of this.#awaiting.keys()) if (awaited <= set) this.#awaiting.delete(awaited);
	}

	/** False for what belongs to an older incarnation. */
	#isCurrent({ incarnation }: { readonly incarnation: number }): boolean {
		this.#incarnation ??= incarnation;
		if (incarnation > this.#incarnation) {
			throw new Error(
				`incarnation ${incarnation} began without a drop of ${this.#incarnation}: this is a bug`,
			);
		}
		return incarnation === this.#incarnation;
	}
}

/** Bytes of all buffers, not of the views: a buffer is held in full until its set is committed. */
function heldBytes(folds: readonly PartitionFold[]): number {
	let sum = 0;
	for (const { rows, deadLetters, windows, users, sessions } of folds) {
		for (const chunk of rows) sum += chunk.buffer.byteLength;
		for (const chunk of deadLetters) sum += chunk.buffer.byteLength;
		sum += windows.byteLength;
		for (const { hours, ids } of [users, sessions]) sum += hours.buffer.byteLength + ids.buffer.byteLength;
	}
	return sum;
}
