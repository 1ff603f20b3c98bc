import type { EngineState } from "../monitoring/status.ts";
import { InvariantError } from "./core-errors.ts";

const NEXT: Readonly<Record<EngineState, readonly EngineState[]>> = {
	starting: ["running", "recovering", "stopping", "stopped", "failed"],
	running: ["recovering", "stopping", "stopped", "failed"],
	recovering: ["running", "stopping", "stopped", "failed"],
	stopping: ["stopped", "failed"],
	stopped: [],
	failed: [],
};

/** The engine's life as one field with one setter; a transition nobody thought of is refused. */
export class Lifecycle {
	#state: EngineState = "starting";

	get state(): EngineState {
		return this.#state;
	}

	/** Nothing is decided any more. */
	get over(): boolean {
		return this.#state === "stopped" || this.#state === "failed";
	}

	/** Throws `InvariantError` for a transition that is not in the table; entering the present state again is nothing. */
	enter(state: EngineState): void {
		if (state === this.#state) return;
		if (!NEXT[this.#state].includes(state)) {
			throw new InvariantError(`the engine cannot go from ${this.#state} to ${state}`);
		}
		this.#state = state;
	}
}
