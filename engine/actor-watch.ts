import type { ActorStatus } from "../monitoring/status.ts";
import { Credit } from "./credits.ts";
import type { Limits } from "./limits.ts";
import type { Clock } from "./ports.ts";
import { RecentCount } from "./recent-count.ts";

interface Watched {
	slices: number;
	/** Barriers not answered. */
	barriers: number;
	bytes: number;
	busyMs: number;
	folded: number;
	records: number;
	restarts: number;
	startedAtMs: number;
	/** Monotonic time since which an answer is due: the last one, or the first slice after an idle time. */
	waitingSinceMs: number;
}

/**
 * What the supervisor knows of its actors from outside: how much is in each mailbox, who is silent, who died too often.
 */
export class ActorWatch {
	readonly credit: Credit;
	readonly #watched: Watched[];
	readonly #limits: Limits;
	readonly #clock: Pick<Clock, "nowMs" | "monotonicMs">;
	readonly #losses: RecentCount;

	constructor(actors: number, limits: Limits, clock: Pick<Clock, "nowMs" | "monotonicMs">) {
		this.credit = new Credit(limits.actorBytesMax);
		this.#limits = limits;
		this.#clock = clock;
		this.#losses = new RecentCount(limits.actorLossWindowMs, clock);
		this.#watched = Array.from({ length: actors }, () => ({
			slices: 0,
			barriers: 0,
			bytes: 0,
			busyMs: 0,
			folded: 0,
			records: 0,
			restarts: 0,
			startedAtMs: clock.nowMs(),
			waitingSinceMs: 0,
		}));
	}

	posted(shard: number, bytes: number, records: number): void {
		const actor = this.#watched[shard]!;
		this.#begin(actor);
		actor.slices++;
		actor.bytes += bytes;
		actor.records += records;
		this.credit.take(bytes);
	}

	folded(shard: number, bytes: number, busyMs: number): void {
		const actor = this.#watched[shard]!;
		actor.slices--;
		actor.bytes -= bytes;
		actor.busyMs += busyMs;
		actor.folded++;
		actor.waitingSinceMs = this.#clock.monotonicMs();
		this.credit.giveBack(bytes);
	}

	/** Every actor was asked for its part. */
	barrier(): void {
		for (const actor of this.#watched) {
			this.#begin(actor);
			actor.barriers++;
		}
	}

	answered(shard: number): void {
		const actor = this.#watched[shard]!;
		actor.barriers = Math.max(0, actor.barriers - 1);
		actor.waitingSinceMs = this.#clock.monotonicMs();
	}

	/** Recovery: barriers of the incarnation before are not answered any more. */
	dropBarriers(): void {
		for (const actor of this.#watched) actor.barriers = 0;
	}

	#begin(actor: Watched): void {
		if (actor.slices === 0 && actor.barriers === 0) actor.waitingSinceMs = this.#clock.monotonicMs();
	}

	/**
	 * The thread died: its mailbox is gone. False when actors die so often that going on makes no sense; a loss that is
	 * explained by a message (step 11) clears the account, since that message is being dealt with.
	 */
	lost(shard: number, counts: boolean): boolean {
		const actor = this.#watched[shard]!;
		this.credit.giveBack(actor.bytes);
		actor.slices = 0;
		actor.barriers = 0;
		actor.bytes = 0;
		actor.restarts++;
		actor.startedAtMs = this.#clock.nowMs();
		if (!counts) {
			this.#losses.clear();
			return true;
		}
		return this.#losses.add() <= this.#limits.actorLossesMax;
	}

	/** Actors that have work and have not answered for too long. */
	silent(silenceMsMax: number): number[] {
		const now = this.#clock.monotonicMs();
		return this.#watched.flatMap((actor, shard) =>
			actor.slices + actor.barriers > 0 && now - actor.waitingSinceMs > silenceMsMax ? [shard] : [],
		);
	}

	status(): ActorStatus[] {
		return this.#watched.map((actor, shard) => ({
			shard,
			mailboxSlices: actor.slices,
			mailboxBytes: actor.bytes,
			busyMs: actor.busyMs,
			startedAtMs: actor.startedAtMs,
			restarts: actor.restarts,
			slicesFolded: actor.folded,
			recordsPosted: actor.records,
		}));
	}
}
