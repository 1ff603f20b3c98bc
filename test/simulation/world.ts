/**
 * The world a simulation runs in: virtual time, one seeded source of chance, and a list of what went wrong. Between two
 * events every promise and every tick settles, so a seed decides the whole interleaving and repeats it.
 */
import type { Timer } from "../../engine/ports.ts";
import { createRandom, type Random } from "../../producer/random.ts";

interface Due {
	readonly atMs: number;
	readonly order: number;
	/** Null when it was cancelled. */
	action: (() => void) | null;
}

/** Wall clock at virtual time 0, in ms since 1970: the day of the simulated events. */
export const WALL_START_MS = Date.UTC(2001, 8, 9);
/** How much likelier than usual a kind of fault is in one seed: mixes differ, so that each kind is also met alone. */
const WEIGHTS = [0, 0.5, 1, 1, 2, 5];
/** FNV's prime, for the hash of the trace. */
const PRIME = 0x01000193;

export class World {
	readonly seed: number;
	readonly random: Random;
	/** Each a sentence; a run is good when there is none. */
	readonly problems = new Set<string>();
	/** How often each kind of fault was met: a run in which nothing fails shows nothing. */
	readonly met = new Map<string, number>();
	/** False in the calm phase. */
	faults = true;
	nowMs = 0;
	/** Events that happened. */
	steps = 0;
	/** Over the times of all events and all that was noted: two runs of a seed have the same. */
	hash = 0x811c9dc5;
	/** Told of everything noted, for a person who looks at a failing seed. */
	onSay: ((line: string) => void) | null = null;
	readonly #weights = new Map<string, number>();
	readonly #weighing: Random;
	#order = 0;
	/** A binary heap, the next one first. */
	readonly #due: Due[] = [];

	constructor(seed: number) {
		this.seed = seed;
		this.random = createRandom(seed);
		this.#weighing = createRandom(seed + 2 ** 40);
	}

	/** Whether a fault of this kind happens now; never in the calm phase. `probability` is that of an average seed. */
	fault(kind: string, probability: number): boolean {
		if (!this.faults) return false;
		let weight = this.#weights.get(kind);
		if (weight === undefined) {
			weight = this.#weighing.pick(WEIGHTS);
			this.#weights.set(kind, weight);
		}
		if (!this.random.chance(probability * weight)) return false;
		this.note(kind);
		return true;
	}

	/** Counts that this happened. */
	note(kind: string): void {
		this.met.set(kind, (this.met.get(kind) ?? 0) + 1);
		this.say(kind);
	}

	/** A line of the trace. */
	say(line: string): void {
		this.#mix(line.length);
		for (let i = 0; i < line.length; i += 3) this.#mix(line.charCodeAt(i));
		this.onSay?.(`${this.nowMs.toFixed(1).padStart(9)} ${line}`);
	}

	problem(sentence: string): void {
		if (this.problems.size < 20) this.problems.add(`at ${this.nowMs.toFixed(1)} ms: ${sentence}`);
		this.say(`PROBLEM ${sentence}`);
	}

	after(delayMs: number, action: () => void): Timer {
		const due: Due = { atMs: this.nowMs + delayMs, order: this.#order++, action };
		this.#push(due);
		return {
			cancel: () => {
				due.action = null;
			},
		};
	}

	/** Up to `delayMsMax`, by chance. */
	delay(delayMsMax: number): Promise<void> {
		return new Promise((resolve) => this.after(this.random.float() * delayMsMax, resolve));
	}

	/**
	 * Moves time on and lets happen what falls due on the way. What throws is a problem: nobody may throw into a timer.
	 * `setImmediate` comes after every promise and every tick, and at 0.7 µs is the cheapest that does.
	 */
	advance(ms: number): Promise<void> {
		const untilMs = this.nowMs + ms;
		return new Promise((resolve) => {
			const step = () => {
				let next = this.#due[0];
				while (next !== undefined && next.action === null) {
					this.#pop();
					next = this.#due[0];
				}
				if (next === undefined || next.atMs > untilMs) {
					this.nowMs = untilMs;
					resolve();
					return;
				}
				this.#pop();
				this.#happen(next);
				setImmediate(step);
			};
			step();
		});
	}

	#happen({ atMs, order, action }: Due): void {
		this.nowMs = Math.max(this.nowMs, atMs);
		this.steps++;
		this.#mix((atMs * 1_024) | 0);
		this.#mix(order);
		try {
			action!();
		} catch (error) {
			this.problem(`thrown into a timer: ${(error as Error).stack}`);
		}
	}

	#mix(value: number): void {
		this.hash = Math.imul(this.hash ^ value, PRIME) >>> 0;
	}

	#push(due: Due): void {
		const heap = this.#due;
		let at = heap.length;
		heap.push(due);
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (!isBefore(due, heap[parent]!)) break;
			heap[at] = heap[parent]!;
			at = parent;
		}
		heap[at] = due;
	}

	#pop(): void {
		const heap = this.#due;
		const last = heap.pop()!;
		if (heap.length === 0) return;
		let at = 0;
		for (;;) {
			let child = 2 * at + 1;
			if (child >= heap.length) break;
			if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
			if (!isBefore(heap[child]!, last)) break;
			heap[at] = heap[child]!;
			at = child;
		}
		heap[at] = last;
	}
}

function isBefore(a: Due, b: Due): boolean {
	return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
