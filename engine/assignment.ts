import { InvariantError } from "./core-errors.ts";
import type { Claim, RecordIdentity, SetRange } from "./ports.ts";

/**
 * `joining`: ours by the group, not claimed yet. `claiming`: asked of Postgres. `verifying`: claimed, the last record
 * counted is being read back. `running`: records are accepted at `expected`. `halted`: stopped for a person to look at.
 */
export type PartitionPhase = "joining" | "claiming" | "verifying" | "running" | "halted";

const NEXT: Readonly<Record<PartitionPhase, readonly PartitionPhase[]>> = {
	joining: ["claiming", "halted"],
	claiming: ["joining", "verifying", "running", "halted"],
	verifying: ["joining", "running", "halted"],
	running: ["joining", "halted"],
	halted: ["joining"],
};

/** One partition that the group has given to us. */
export class OwnedPartition {
	readonly partition: number;
	/** The assignment it came with; the answer to an older one is ignored. */
	readonly assignment: number;
	phase: PartitionPhase = "joining";
	haltReason: string | null = null;
	/** Halted until the engine is started again: a claim would not mend what is wrong. */
	sealedOff = false;
	epoch = -1;
	/** Next offset to accept. Everything below it is in a set or in Postgres. */
	expected = -1;
	/** Postgres has counted up to here. */
	durable = -1;
	/** The record to be read back before the first one is accepted; null when verified or nothing was ever counted. */
	verify: RecordIdentity | null = null;
	/** Batches in a row that were not at our position. */
	mismatches = 0;
	/** Times in a row that the records at our position could not be decoded. */
	unreadable = 0;
	lastRecordMs: number | null = null;
	newestEventMs: number | null = null;

	constructor(partition: number, assignment: number) {
		this.partition = partition;
		this.assignment = assignment;
	}

	/** Where Kafka must deliver from. */
	get position(): number {
		return this.verify === null ? this.expected : this.verify.offset;
	}

	get accepts(): boolean {
		return this.phase === "running" || this.phase === "verifying";
	}

	enter(phase: PartitionPhase): void {
		if (!NEXT[this.phase].includes(phase)) {
			throw new InvariantError(`partition ${this.partition} cannot go from ${this.phase} to ${phase}`);
		}
		this.phase = phase;
	}

	/** Claimed: the row says where we go on. */
	adopt(claim: Claim): void {
		this.epoch = claim.epoch;
		this.expected = claim.nextOffset;
		this.durable = claim.nextOffset;
		this.verify = claim.last;
		this.mismatches = 0;
		this.unreadable = 0;
		this.lastRecordMs = knownMs(claim.last?.timestampMs);
		this.newestEventMs = claim.newestEventMs;
		this.enter(claim.last === null ? "running" : "verifying");
	}

	/** Forgotten: only a claim brings it back. */
	release(): void {
		if (this.phase !== "joining") this.enter("joining");
		this.haltReason = null;
		this.epoch = -1;
		this.verify = null;
	}
}

/** The partitions of the current assignment. `GROUP_JOIN` is its only source of truth (K9). */
export class Assignment {
	/** Raised at every join. */
	number = 0;
	readonly #owned = new Map<number, OwnedPartition>();

	/** Takes over a new assignment and says what was kept (claimed without interruption) and what was lost. */
	join(partitions: readonly number[]): { kept: Set<number>; lost: number[] } {
		this.number++;
		const lost = [...this.#owned.keys()].filter((partition) => !partitions.includes(partition));
		for (const partition of lost) this.#owned.delete(partition);
		const kept = new Set<number>();
		for (const partition of partitions) {
			const owned = this.#owned.get(partition);
			if (owned !== undefined && (owned.accepts || owned.phase === "halted")) kept.add(partition);
			else this.#owned.set(partition, new OwnedPartition(partition, this.number));
		}
		return { kept, lost };
	}

	get(partition: number): OwnedPartition | undefined {
		return this.#owned.get(partition);
	}

	all(): OwnedPartition[] {
		return [...this.#owned.values()];
	}

	/** These ranges are in Postgres now; those of an older claim say nothing about a partition any more. */
	committed(ranges: readonly SetRange[], newestEventMs: ReadonlyMap<number, number>): void {
		for (const { partition, epoch, to, last } of ranges) {
			const owned = this.#owned.get(partition);
			if (owned === undefined || owned.epoch !== epoch) continue;
			owned.durable = to;
			owned.lastRecordMs = knownMs(last?.timestampMs) ?? owned.lastRecordMs;
			const eventMs = newestEventMs.get(partition);
			if (eventMs !== undefined) owned.newestEventMs = Math.max(eventMs, owned.newestEventMs ?? eventMs);
		}
	}

	/** Those that wait for a claim, in the order in which rows are locked everywhere. */
	joining(): OwnedPartition[] {
		return this.all()
			.filter((owned) => owned.phase === "joining")
			.sort((a, b) => a.partition - b.partition);
	}
}

/** Kafka's -1 is "none", and no time at all. */
function knownMs(ms: number | undefined): number | null {
	return ms === undefined || ms < 0 ? null : ms;
}
