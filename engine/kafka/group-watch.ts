import type { Clock, Timer } from "../ports.ts";

/** How often it is looked whether the group still answers. */
const LOOK_MS = 5_000;

/**
 * Notices a consumer that waits for its group for ever, as one whose rejoin failed did before join-patch.ts; if there is
 * another way into that silence, this is the way out. Two looks in a row must find the silence too long: after a pause of
 * the whole process timers come before the answers that wait.
 */
export class GroupWatch {
	readonly #silenceMsMax: number;
	readonly #clock: Pick<Clock, "after" | "monotonicMs">;
	readonly #onSilent: () => void;
	#heardAtMs: number;
	#wasSilent = false;
	#timer: Timer | null = null;

	constructor(silenceMsMax: number, clock: Pick<Clock, "after" | "monotonicMs">, onSilent: () => void) {
		this.#silenceMsMax = silenceMsMax;
		this.#clock = clock;
		this.#onSilent = onSilent;
		this.#heardAtMs = clock.monotonicMs();
	}

	/** The group has answered, or was asked anew. */
	heard(): void {
		this.#heardAtMs = this.#clock.monotonicMs();
		this.#wasSilent = false;
	}

	start(): void {
		this.#timer = this.#clock.after(LOOK_MS, () => {
			const isSilent = this.#clock.monotonicMs() - this.#heardAtMs > this.#silenceMsMax;
			const isSure = isSilent && this.#wasSilent;
			this.#wasSilent = isSilent;
			if (isSure) {
				this.heard();
				this.#onSilent();
			}
			this.start();
		});
	}

	stop(): void {
		this.#timer?.cancel();
	}
}
