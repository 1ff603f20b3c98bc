import type { Clock } from "./ports.ts";

/** How often something has happened within the last `windowMs`; the budgets of losses, crashes and verdicts ask it. */
export class RecentCount {
	readonly #windowMs: number;
	readonly #clock: Pick<Clock, "monotonicMs">;
	#timesMs: number[] = [];

	constructor(windowMs: number, clock: Pick<Clock, "monotonicMs">) {
		this.#windowMs = windowMs;
		this.#clock = clock;
	}

	/** Once more. Returns how often now, this time included. */
	add(): number {
		const nowMs = this.#clock.monotonicMs();
		this.#timesMs = [...this.#timesMs.filter((atMs) => nowMs - atMs < this.#windowMs), nowMs];
		return this.#timesMs.length;
	}

	clear(): void {
		this.#timesMs = [];
	}
}
