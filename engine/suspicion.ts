import type { CondemnedRecord, OffsetRange, RecordPlace } from "../workers/messages.ts";
import type { PartitionPhase } from "./assignment.ts";
import type { Accepted } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Clock } from "./ports.ts";
import { RecentCount } from "./recent-count.ts";

/** A fresh actor that a record kills this often, while it holds nothing else, proves its guilt. */
const DEATHS_ALONE = 2;

/** What a lost actor means. */
export type Verdict =
	/** The first one here: read again. */
	| { readonly kind: "loss" }
	/** The second loss at the same offsets: they are suspects now. */
	| { readonly kind: "suspected" }
	/** This suspect was in hand. */
	| { readonly kind: "accused"; readonly place: RecordPlace }
	/** The accused has killed an actor alone, and is tried once more. */
	| { readonly kind: "on_trial"; readonly place: RecordPlace }
	/** The record is to be a dead letter. */
	| { readonly kind: "condemned"; readonly record: CondemnedRecord }
	/** More are condemned than data can explain. */
	| { readonly kind: "too_many" };

/** Where a partition stands, as far as a trial is concerned. */
export interface Standing {
	readonly expected: number;
	readonly accepts: boolean;
	readonly phase: PartitionPhase;
}

/** What the trial of the accused asks for. */
export interface Trial {
	/** Whether Kafka must not be read for this partition now. */
	holds(partition: number): boolean;
	/** Actors hold or have held something else since the last recovery: begin anew before the trial. */
	readonly needsFreshActors: boolean;
}

const NO_TRIAL: Trial = { holds: () => false, needsFreshActors: false };

/**
 * Step 11, suspect mode: which message kills its actor. The second loss at the same offsets makes them suspects; actors
 * then note each record before they touch it. The record in hand at the next death is accused: everything before it is
 * committed, then it is read alone, by actors that hold nothing else. Only one that kills twice like this is condemned,
 * so that an actor that dies for another reason (its memory is full) blames no innocent record. When the suspect offsets
 * are durable, suspect mode is over.
 */
export class Suspicion {
	readonly #condemnedMax: number;
	readonly #condemnations: RecentCount;
	#lastLoss: readonly OffsetRange[] = [];
	#suspects: readonly OffsetRange[] = [];
	#accused: (RecordPlace & { readonly shard: number }) | null = null;
	#deathsAlone = 0;
	/** What was accepted since the last recovery: nothing, the accused alone, or anything else. */
	#held: "nothing" | "accused" | "others" = "nothing";

	constructor(limits: Pick<Limits, "condemnedMax" | "condemnedWindowMs">, clock: Pick<Clock, "monotonicMs">) {
		this.#condemnedMax = limits.condemnedMax;
		this.#condemnations = new RecentCount(limits.condemnedWindowMs, clock);
	}

	/** Offsets of which the actors note each record; empty in normal life. */
	get suspects(): readonly OffsetRange[] {
		return this.#suspects;
	}

	get accused(): RecordPlace | null {
		return this.#accused;
	}

	/**
	 * The actor of a shard was lost while `uncommitted` was under way. `inHand`: the record it noted; null when none.
	 */
	lost(shard: number, uncommitted: readonly OffsetRange[], inHand: RecordPlace | null): Verdict {
		const again = uncommitted.some((range) => overlaps(range, this.#lastLoss));
		this.#lastLoss = uncommitted;
		const accused = this.#accused;
		if (accused !== null && accused.shard === shard && this.#held === "accused") {
			// It was alone: whether or not it was in hand, nothing else can have killed the actor.
			this.#deathsAlone++;
			return this.#deathsAlone < DEATHS_ALONE ? { kind: "on_trial", place: accused } : this.#condemn(accused);
		}
		if (inHand !== null && this.#suspects.some((range) => holds(range, inHand))) {
			this.#accused = { ...inHand, shard };
			this.#deathsAlone = 0;
			return { kind: "accused", place: inHand };
		}
		if (!again) return { kind: "loss" };
		this.#suspects = uncommitted;
		return { kind: "suspected" };
	}

	/** A recovery has begun: actors hold nothing. */
	recovered(): void {
		this.#held = "nothing";
	}

	accepted({ partition, from, to }: Pick<Accepted, "partition" | "from" | "to">): void {
		const accused = this.#accused;
		const alone = accused?.partition === partition && accused.offset === from && to === from + 1;
		this.#held = alone && this.#held === "nothing" ? "accused" : "others";
	}

	/** Partitions are somebody else's now, with their suspects. */
	forget(partitions: readonly number[]): void {
		const ours = (one: { partition: number }) => !partitions.includes(one.partition);
		this.#suspects = this.#suspects.filter(ours);
		this.#lastLoss = this.#lastLoss.filter(ours);
		if (this.#accused !== null && !ours(this.#accused)) this.#accused = null;
	}

	/** Everything below `offset` is durable. Returns true when the list of suspects became shorter. */
	passed(partition: number, offset: number): boolean {
		const open = (range: OffsetRange) => range.partition !== partition || range.to > offset;
		if (this.#accused?.partition === partition && this.#accused.offset < offset) this.#accused = null;
		if (this.#lastLoss.length > 0) this.#lastLoss = this.#lastLoss.filter(open);
		const before = this.#suspects.length;
		if (before > 0) this.#suspects = this.#suspects.filter(open);
		return this.#suspects.length < before;
	}

	/** Where a batch of this partition must be cut, so that the accused comes alone; null: nowhere. */
	cut(partition: number, expected: number): number | null {
		const accused = this.#accused;
		if (accused === null || accused.partition !== partition || expected > accused.offset) return null;
		return expected < accused.offset ? accused.offset : accused.offset + 1;
	}

	/** What the trial asks for now. `idle`: no set is open, waiting or in COMMIT. */
	trial(standingOf: (partition: number) => Standing | undefined, idle: boolean): Trial {
		const accused = this.#accused;
		if (accused === null) return NO_TRIAL;
		const standing = standingOf(accused.partition);
		if (standing === undefined || standing.phase === "halted") {
			this.#accused = null;
			return NO_TRIAL;
		}
		if (standing.accepts && standing.expected > accused.offset && idle) {
			// It is stored, though nobody told us: a COMMIT without an answer was done, or somebody else's.
			this.#accused = null;
			return NO_TRIAL;
		}
		const reached = standing.accepts && standing.expected === accused.offset && idle;
		const needsFreshActors = reached && this.#held !== "nothing";
		const flows = standing.expected < accused.offset || (reached && !needsFreshActors);
		return { holds: (partition) => partition !== accused.partition || !flows, needsFreshActors };
	}

	#condemn({ partition, offset }: RecordPlace): Verdict {
		this.#accused = null;
		this.#deathsAlone = 0;
		if (this.#condemnations.add() > this.#condemnedMax) return { kind: "too_many" };
		const detail = `killed a fresh actor ${DEATHS_ALONE} times while it was alone`;
		return { kind: "condemned", record: { partition, offset, reason: "actor_crash", detail } };
	}
}

function holds({ partition, from, to }: OffsetRange, place: RecordPlace): boolean {
	return partition === place.partition && place.offset >= from && place.offset < to;
}

function overlaps(range: OffsetRange, others: readonly OffsetRange[]): boolean {
	return others.some(
		({ partition, from, to }) => partition === range.partition && from < range.to && range.from < to,
	);
}
