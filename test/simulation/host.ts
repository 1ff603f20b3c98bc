/**
 * The process of one engine: its timers, and everything that is to reach it, wait while it is frozen and are gone when
 * it is killed. The engine's own timers that take no clock (deadlines around the driver) are led here as well.
 */
import type { Clock, Timer } from "../../engine/ports.ts";
import { WALL_START_MS, type World } from "./world.ts";

/** The process whose code is running now; null outside of the simulation. */
let running: Host | null = null;

export class Host implements Clock {
	readonly world: World;
	readonly name: string;
	#frozenUntilMs = 0;
	#dead = false;

	constructor(world: World, name: string) {
		this.world = world;
		this.name = name;
	}

	get frozen(): boolean {
		return this.#frozenUntilMs > this.world.nowMs;
	}

	/** End of the latest freeze, in virtual ms; 0 before the first. */
	get frozenUntilMs(): number {
		return this.#frozenUntilMs;
	}

	get dead(): boolean {
		return this.#dead;
	}

	/** As SIGSTOP, or a laptop's lid: the rest of the world goes on. */
	freeze(ms: number): void {
		this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.world.nowMs + ms);
	}

	/** As kill -9: nothing of it runs any more. */
	kill(): void {
		this.#dead = true;
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
			if (this.#dead) return;
			const frozenMs = this.#frozenUntilMs - this.world.nowMs;
			if (frozenMs > 0) timer = this.world.after(frozenMs, fire);
			else this.run(action);
		};
		let timer = this.world.after(delayMs, fire);
		return { cancel: () => timer.cancel() };
	}

	/** Up to `delayMsMax`, by chance. */
	delay(delayMsMax: number): Promise<void> {
		return new Promise((resolve) => this.after(this.random() * delayMsMax, resolve));
	}

	/** Until the next event everything that runs is this process's: what it sets as a timer is its own. */
	run(action: () => void): void {
		running = this;
		action();
	}
}

const real = {
	setTimeout: globalThis.setTimeout,
	clearTimeout: globalThis.clearTimeout,
	now: performance.now.bind(performance),
};

/** Leads the timers and the clock of whatever runs in a simulated process to its own; undone by calling what it returns. */
export function installVirtualTimers(): () => void {
	const setVirtual = (action: () => void, delayMs = 0): unknown =>
		running === null ? real.setTimeout(action, delayMs) : running.after(delayMs, action);
	const clearVirtual = (timer: unknown): void => {
		if (typeof (timer as Partial<Timer> | undefined)?.cancel === "function") (timer as Timer).cancel();
		else real.clearTimeout(timer as NodeJS.Timeout);
	};
	globalThis.setTimeout = setVirtual as typeof setTimeout;
	globalThis.clearTimeout = clearVirtual as typeof clearTimeout;
	performance.now = () => running?.monotonicMs() ?? real.now();
	return () => {
		running = null;
		performance.now = real.now;
		globalThis.setTimeout = real.setTimeout;
		globalThis.clearTimeout = real.clearTimeout;
	};
}
