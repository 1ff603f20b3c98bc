import type { Source } from "./ports.ts";

/** Why Kafka is not read. One partition: `claim`, `halted`, `position`, `suspect`. All of them: the others. */
export type PauseReason =
	| "claim"
	| "halted"
	| "position"
	| "suspect"
	| "recovery"
	| "actors"
	| "flush"
	| "stopping";

/**
 * Pausing by reasons: a partition flows when no reason is left, so that two causes never undo each other (electric's
 * pause lock). The source is told only of changes, but of everything after a join, since kafkajs forgets (K17).
 */
export class Pauses {
	readonly #source: Pick<Source, "pause" | "resume">;
	readonly #all = new Set<PauseReason>();
	readonly #own = new Map<number, Set<PauseReason>>();
	readonly #paused = new Set<number>();

	constructor(source: Pick<Source, "pause" | "resume">) {
		this.#source = source;
	}

	/** A new assignment: every partition starts paused with `claim`, unless it is kept. Reasons of its own survive when kept. */
	assign(partitions: readonly number[], kept: ReadonlySet<number>): void {
		for (const partition of [...this.#own.keys()])
			if (!partitions.includes(partition)) this.#own.delete(partition);
		for (const partition of partitions) {
			if (!kept.has(partition)) this.#own.set(partition, new Set(["claim"]));
		}
		this.#paused.clear();
		this.#source.pause(partitions);
		for (const partition of partitions) this.#paused.add(partition);
		this.#apply(partitions);
	}

	add(reason: PauseReason, partition?: number): void {
		if (partition === undefined) this.#all.add(reason);
		else this.#own.get(partition)?.add(reason);
		this.#apply(partition === undefined ? [...this.#own.keys()] : [partition]);
	}

	remove(reason: PauseReason, partition?: number): void {
		if (partition === undefined) this.#all.delete(reason);
		else this.#own.get(partition)?.delete(reason);
		this.#apply(partition === undefined ? [...this.#own.keys()] : [partition]);
	}

	/** Back to the start of a claim: of its own reasons only `claim` is left. */
	reset(partition: number): void {
		if (this.#own.has(partition)) this.#own.set(partition, new Set(["claim"]));
		this.#apply([partition]);
	}

	has(reason: PauseReason): boolean {
		return this.#all.has(reason);
	}

	reasonsOf(partition: number): PauseReason[] {
		return [...this.#all, ...(this.#own.get(partition) ?? [])];
	}

	#apply(partitions: readonly number[]): void {
		const pause: number[] = [];
		const resume: number[] = [];
		for (const partition of partitions) {
			const own = this.#own.get(partition);
			if (own === undefined) continue;
			const wanted = this.#all.size > 0 || own.size > 0;
			if (wanted === this.#paused.has(partition)) continue;
			if (wanted) {
				pause.push(partition);
				this.#paused.add(partition);
			} else {
				resume.push(partition);
				this.#paused.delete(partition);
			}
		}
		if (pause.length > 0) this.#source.pause(pause);
		if (resume.length > 0) this.#source.resume(resume);
	}
}
