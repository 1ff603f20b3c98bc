/** Time that stands still until a test moves it, so that no unit test sleeps. */
import type { Clock, Timer } from "../../engine/ports.ts";

interface Pending {
	readonly dueMs: number;
	readonly action: () => void;
}

/** Wall clock at monotonic 0: far from it, so that mixing the two up shows. */
const WALL_START_MS = 1_750_000_000_000;

export class ManualClock implements Clock {
	/** What `random` answers. */
	randomValue = 0.5;
	#nowMs = 0;
	/** In the order in which they were set. */
	readonly #pending = new Set<Pending>();

	nowMs(): number {
		return WALL_START_MS + this.#nowMs;
	}

	monotonicMs(): number {
		return this.#nowMs;
	}

	random(): number {
		return this.randomValue;
	}

	after(delayMs: number, action: () => void): Timer {
		const pending = { dueMs: this.#nowMs + delayMs, action };
		this.#pending.add(pending);
		return { cancel: () => this.#pending.delete(pending) };
	}

	/** Delays from now on of the timers that are set, shortest first. */
	get timers(): number[] {
		return [...this.#pending].map(({ dueMs }) => dueMs - this.#nowMs).sort((a, b) => a - b);
	}

	/** Moves time on and fires what falls due on the way, each at its own time, those of one time in order of setting. */
	advance(ms: number): void {
		const untilMs = this.#nowMs + ms;
		for (;;) {
			const [first] = [...this.#pending].sort((a, b) => a.dueMs - b.dueMs);
			if (first === undefined || first.dueMs > untilMs) break;
			this.#pending.delete(first);
			this.#nowMs = Math.max(this.#nowMs, first.dueMs);
			first.action();
		}
		this.#nowMs = untilMs;
	}
}
