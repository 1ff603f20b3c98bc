/**
 * The world a simulation runs in: virtual time, one seeded source of chance, and a list of what went wrong. Between two
 * events every promise settles, so a seed decides the whole interleaving and repeats it.
 */
import { setImmediate as settle } from "node:timers/promises";
import type { Clock, Timer } from "../../engine/ports.ts";
import { createRandom, type Random } from "../../producer/random.ts";

interface Due {
	readonly atMs: number;
	readonly action: () => void;
	cancelled: boolean;
}

/** Wall clock at virtual time 0, in ms since 1970: the day of the simulated events. */
export const WALL_START_MS = Date.UTC(2001, 8, 9);

export class World {
	readonly random: Random;
	/** Each a sentence; a run is good when there is none. */
	readonly problems = new Set<string>();
	/** How often each kind of fault was met: a run in which nothing fails shows nothing. */
	readonly met = new Map<string, number>();
	/** False in the calm phase. */
	faults = true;
	nowMs = 0;
	/** Latest first, so that the next one is popped; those of one time fire in the order of setting. */
	readonly #due: Due[] = [];

	constructor(seed: number) {
		this.random = createRandom(seed);
	}

	/** Whether a fault of this kind happens now; never in the calm phase. */
	fault(kind: string, probability: number): boolean {
		const happens = this.random.chance(probability) && this.faults;
		if (happens) this.note(kind);
		return happens;
	}

	note(kind: string): void {
		this.met.set(kind, (this.met.get(kind) ?? 0) + 1);
	}

	after(delayMs: number, action: () => void): Timer {
		const due: Due = { atMs: this.nowMs + delayMs, action, cancelled: false };
		let low = 0;
		let high = this.#due.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.#due[middle]!.atMs <= due.atMs) high = middle;
			else low = middle + 1;
		}
		this.#due.splice(low, 0, due);
		return {
			cancel: () => {
				due.cancelled = true;
			},
		};
	}

	/** Up to `delayMsMax`, by chance. */
	delay(delayMsMax: number): Promise<void> {
		return new Promise((resolve) => this.after(this.random.float() * delayMsMax, resolve));
	}

	/** Moves time on and lets happen what falls due on the way. What throws is a problem: nobody may throw into a timer. */
	async advance(ms: number): Promise<void> {
		const untilMs = this.nowMs + ms;
		for (let next = this.#due.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#due.at(-1)) {
			this.#due.pop();
			if (next.cancelled) continue;
			this.nowMs = Math.max(this.nowMs, next.atMs);
			try {
				next.action();
			} catch (error) {
				this.problems.add(`thrown into a timer: ${(error as Error).stack}`);
			}
			await settle();
		}
		this.nowMs = untilMs;
	}
}

/** The process of one engine: its timers, and everything that is to reach it, wait while it is frozen. */
export class Host implements Clock {
	readonly world: World;
	#frozenUntilMs = 0;

	constructor(world: World) {
		this.world = world;
	}

	/** As SIGSTOP, or a laptop's lid: the rest of the world goes on. */
	freeze(ms: number): void {
		this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.world.nowMs + ms);
	}

	nowMs(): number {
		return WALL_START_MS + this.world.nowMs;
	}

	monotonicMs(): number {
		return this.world.nowMs;
	}

	random(): number {
		return this.world.random.float();
	}

	after(delayMs: number, action: () => void): Timer {
		const fire = () => {
			const frozenMs = this.#frozenUntilMs - this.world.nowMs;
			if (frozenMs > 0) timer = this.world.after(frozenMs, fire);
			else action();
		};
		let timer = this.world.after(delayMs, fire);
		return { cancel: () => timer.cancel() };
	}

	/** Up to `delayMsMax`, by chance. */
	delay(delayMsMax: number): Promise<void> {
		return new Promise((resolve) => this.after(this.random() * delayMsMax, resolve));
	}
}
