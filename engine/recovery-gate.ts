import type { Limits } from "./limits.ts";

/**
 * When a recovery may claim again: after its backoff, and not before the group has shown that it still counts us in.
 *
 * The proof is a heartbeat that was *sent* after the recovery began. kafkajs's event has no send time, so the first
 * one may have been under way already: the second one counts, or a new join. Without it a thawed zombie and the rightful
 * owner would take the partition from each other for ever (model, O28 and O30).
 */
export class RecoveryGate {
	readonly #limits: Pick<Limits, "backoffMs" | "backoffMsMax">;
	#heartbeatsNeeded = 0;
	#tries = 0;

	constructor(limits: Pick<Limits, "backoffMs" | "backoffMsMax">) {
		this.#limits = limits;
	}

	/**
	 * A recovery begins. Returns how long to wait, in ms: doubling, with full jitter over the upper half. `isDoubted`: the
	 * cause may lie in somebody else's claim. A lost actor of our own says nothing about the group (model, O04): waiting
	 * for heartbeats would only make suspect mode slow.
	 */
	close(random: number, isDoubted: boolean): number {
		if (isDoubted) this.#heartbeatsNeeded = 2;
		const ceiling = Math.min(
			this.#limits.backoffMsMax,
			this.#limits.backoffMs * 2 ** Math.min(this.#tries, 16),
		);
		this.#tries++;
		return ceiling / 2 + (ceiling / 2) * random;
	}

	heartbeat(): void {
		if (this.#heartbeatsNeeded > 0) this.#heartbeatsNeeded--;
	}

	joined(): void {
		this.#heartbeatsNeeded = 0;
	}

	/** A commit went through: the trouble is over. */
	healed(): void {
		this.#tries = 0;
	}

	get open(): boolean {
		return this.#heartbeatsNeeded === 0;
	}

	/** Tries since the last commit. */
	get tries(): number {
		return this.#tries;
	}
}
