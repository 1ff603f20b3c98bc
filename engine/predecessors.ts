import { messageOf } from "./core-errors.ts";
import type { Log } from "./log.ts";
import type { Clock, Timer } from "./ports.ts";

/** The register of engines, and the way out of the group for the dead ones in it. */
export interface Burial {
	/** Leaves the group for every dead member; returns the owners. Rejects when Postgres or Kafka does not answer. */
	bury(): Promise<readonly string[]>;
}

/** A killed engine's session ends milliseconds after it, which may be after the next engine's first look. */
const LOOK_EVERY_MS = 250;

/**
 * While we join: members that were killed keep the group waiting for their sessions to end. Looks for them until we are
 * in. Not later: a living engine that has lost its connection for a moment would be taken for dead.
 */
export class Predecessors {
	readonly #burial: Burial;
	readonly #clock: Clock;
	readonly #log: Log;
	#timer: Timer | null = null;
	#isOver = false;

	constructor(burial: Burial, clock: Clock, log: Log) {
		this.#burial = burial;
		this.#clock = clock;
		this.#log = log.child({ component: "group" });
	}

	/** Looks at once, and again and again until `stop`. Does nothing after it. */
	start(): void {
		if (!this.#isOver) void this.#look();
	}

	/** We are in, or give up. Safe twice. */
	stop(): void {
		this.#isOver = true;
		this.#timer?.cancel();
	}

	async #look(): Promise<void> {
		try {
			for (const owner of await this.#burial.bury()) {
				this.#log.info({ owner }, `left the group in the name of ${owner}, which Postgres knows to be dead`);
			}
		} catch (error) {
			this.#log.debug({ err: error }, `dead members could not be looked for: ${messageOf(error)}`);
		}
		if (!this.#isOver) this.#timer = this.#clock.after(LOOK_EVERY_MS, () => void this.#look());
	}
}
