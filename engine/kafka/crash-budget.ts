import type { Limits } from "../limits.ts";
import type { Clock } from "../ports.ts";

/** Between two consumers, so that a broker that refuses us is not asked in a tight loop. */
export const REBUILD_DELAY_MS = 500;
export const REBUILD_DELAY_MS_MAX = 5_000;

/** How often a consumer may crash: kafkajs's own retries never refill (K16), so single crashes are normal life. */
export class CrashBudget {
	readonly #limits: Pick<Limits, "crashesMax" | "crashWindowMs">;
	readonly #clock: Pick<Clock, "monotonicMs">;
	#crashesMs: number[] = [];

	constructor(limits: Pick<Limits, "crashesMax" | "crashWindowMs">, clock: Pick<Clock, "monotonicMs">) {
		this.#limits = limits;
		this.#clock = clock;
	}

	/** One more. Returns how long to wait before the next consumer, in ms; null when there have been too many. */
	crashed(): number | null {
		const now = this.#clock.monotonicMs();
		this.#crashesMs = [...this.#crashesMs.filter((at) => now - at < this.#limits.crashWindowMs), now];
		if (this.#crashesMs.length > this.#limits.crashesMax) return null;
		// A consumer that crashes as soon as it reads would use up its budget within a second.
		return Math.min(REBUILD_DELAY_MS * 2 ** (this.#crashesMs.length - 1), REBUILD_DELAY_MS_MAX);
	}
}
