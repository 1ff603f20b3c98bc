import type { Assignment, OwnedPartition } from "./assignment.ts";
import { type Judgement, judgeClaim } from "./judge-claim.ts";
import type { Claim, Source, Store, Watermarks } from "./ports.ts";

export interface ClaimerCalls {
	incarnation(): number;
	/** The row is ours and tells where to go on; forget everything held for the partition, then seek and resume. */
	claimed(owned: OwnedPartition, claim: Claim, judgement: Judgement): void;
	/** All of one claim's partitions were handed over. */
	done(claims: readonly Claim[], watermarks: ReadonlyMap<number, Watermarks>): void;
	failed(error: unknown): void;
	act(): void;
}

/**
 * Step 2: claims partitions, one transaction at a time. An answer counts only for partitions that are still the same
 * object in the assignment (a join makes new ones) and only in the incarnation that asked.
 */
export class Claimer {
	readonly #assignment: Assignment;
	readonly #source: Pick<Source, "watermarks">;
	readonly #store: Pick<Store, "claim">;
	readonly #calls: ClaimerCalls;
	#underWay = false;

	constructor(parts: {
		assignment: Assignment;
		source: Pick<Source, "watermarks">;
		store: Pick<Store, "claim">;
		calls: ClaimerCalls;
	}) {
		this.#assignment = parts.assignment;
		this.#source = parts.source;
		this.#store = parts.store;
		this.#calls = parts.calls;
	}

	get underWay(): boolean {
		return this.#underWay;
	}

	/** Starts a claim for everything that waits for one. */
	startIfDue(): void {
		if (this.#underWay) return;
		const due = this.#assignment.joining();
		if (due.length === 0) return;
		for (const owned of due) owned.enter("claiming");
		this.#underWay = true;
		void this.#claim(due, this.#calls.incarnation()).finally(() => {
			this.#underWay = false;
			this.#calls.act();
		});
	}

	async #claim(due: readonly OwnedPartition[], incarnation: number): Promise<void> {
		try {
			const before = await this.#source.watermarks();
			const lows = new Map(due.map(({ partition }) => [partition, lowOf(before, partition)]));
			// A claim of a run that is over would raise epochs before the group has shown that it counts us in.
			if (incarnation !== this.#calls.incarnation()) return;
			const claims = await this.#store.claim(lows);
			// Read again: another engine may have committed past the watermarks seen before the lock was ours.
			const watermarks = await this.#source.watermarks();
			if (incarnation !== this.#calls.incarnation()) return;
			const ours: Claim[] = [];
			for (const claim of claims) {
				const owned = this.#assignment.get(claim.partition);
				if (owned === undefined || owned.phase !== "claiming" || !due.includes(owned)) continue;
				ours.push(claim);
				this.#calls.claimed(owned, claim, judgeClaim(claim, watermarks.get(claim.partition)));
			}
			// After a join in between there may be none left: the next claim is for those that came with it.
			if (ours.length > 0) this.#calls.done(ours, watermarks);
		} catch (error) {
			if (incarnation === this.#calls.incarnation()) this.#calls.failed(error);
		}
	}
}

/** A partition that was added a moment ago may be missing for a while: then the claim is tried again. */
function lowOf(watermarks: ReadonlyMap<number, Watermarks>, partition: number): number {
	const found = watermarks.get(partition);
	if (found === undefined) throw new Error(`Kafka does not know the log of partition ${partition} yet`);
	return found.low;
}
