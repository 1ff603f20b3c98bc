import type { Limits } from "../limits.ts";
import type { Clock } from "../ports.ts";
import { RecentCount } from "../recent-count.ts";

/** Between two consumers, so that a broker that refuses us is not asked in a tight loop. */
export const REBUILD_DELAY_MS = 500;
export const REBUILD_DELAY_MS_MAX = 5_000;

/** How often a consumer may crash: kafkajs's own retries never refill (K16), so single crashes are normal life. */
export class CrashBudget {
	readonly #crashesMax: number;
	readonly #crashes: RecentCount;

	constructor(limits: Pick<Limits, "crashesMax" | "crashWindowMs">, clock: Pick<Clock, "monotonicMs">) {
		this.#crashesMax = limits.crashesMax;
		this.#crashes = new RecentCount(limits.crashWindowMs, clock);
	}

	/** One more. Returns how long to wait before the next consumer, in ms; null when there have been too many. */
	crashed(): number | null {
		const crashes = this.#crashes.add();
		if (crashes > this.#crashesMax) return null;
		// A consumer that crashes as soon as it reads would use up its budget within a second.
		return Math.min(REBUILD_DELAY_MS * 2 ** (crashes - 1), REBUILD_DELAY_MS_MAX);
	}
}
