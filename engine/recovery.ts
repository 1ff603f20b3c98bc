import type { Limits } from "./limits.ts";
import type { Clock, Timer } from "./ports.ts";
import { RecoveryGate } from "./recovery-gate.ts";

/** Which run this is, and when the next claim may be tried. */
export class Recovery {
	readonly #gate: RecoveryGate;
	readonly #clock: Clock;
	readonly #onOpen: () => void;
	#incarnation = 1;
	#backoff: Timer | null = null;

	/** `onOpen`: a wait is over; look again. */
	constructor(limits: Pick<Limits, "backoffMs" | "backoffMsMax">, clock: Clock, onOpen: () => void) {
		this.#gate = new RecoveryGate(limits);
		this.#clock = clock;
		this.#onOpen = onOpen;
	}

	/** Number of the run between two recoveries, from 1. */
	get incarnation(): number {
		return this.#incarnation;
	}

	get mayClaim(): boolean {
		return this.#gate.open && this.#backoff === null;
	}

	/** Recoveries in a row without a commit. */
	get tries(): number {
		return this.#gate.tries;
	}

	/** A new incarnation. Returns the wait before its first claim, in ms. `isDoubted`: see `RecoveryGate.close`. */
	begin(isDoubted: boolean): number {
		this.#incarnation++;
		const delayMs = this.#gate.close(this.#clock.random(), isDoubted);
		this.#backoff?.cancel();
		this.#backoff = this.#clock.after(delayMs, () => {
			this.#backoff = null;
			this.#onOpen();
		});
		return delayMs;
	}

	/** True when the heartbeat counted for something. */
	heartbeat(): boolean {
		if (this.#gate.open) return false;
		this.#gate.heartbeat();
		return true;
	}

	joined(): void {
		this.#gate.joined();
	}

	healed(): void {
		this.#gate.healed();
	}

	stop(): void {
		this.#backoff?.cancel();
		this.#backoff = null;
	}
}
