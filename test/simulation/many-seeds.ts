/** Many seeds after each other, and what they add up to. */
import { installSimulation, runSeed, type SeedResult } from "./run-seed.ts";

export class Totals {
	seeds = 0;
	steps = 0;
	virtualMs = 0;
	/** By kind, over all seeds. */
	readonly met = new Map<string, number>();
	readonly failed: SeedResult[] = [];

	add(result: SeedResult): void {
		this.seeds++;
		this.steps += result.steps;
		this.virtualMs += result.virtualMs;
		for (const [kind, times] of result.met) this.met.set(kind, (this.met.get(kind) ?? 0) + times);
		if (result.problems.length > 0) this.failed.push(result);
	}
}

/** Runs the seeds in this process. `onResult` returns false to stop. */
export async function runSeeds(
	seeds: Iterable<number>,
	onResult: (result: SeedResult) => boolean,
): Promise<void> {
	const undo = installSimulation();
	try {
		for (const seed of seeds) if (!onResult(await runSeed(seed))) return;
	} finally {
		undo();
	}
}

/** Every `step`th number from `first` on, `count` of them. */
export function* every(step: number, first: number, count: number): Generator<number> {
	for (let i = 0; i < count; i++) yield first + i * step;
}

/** The command that runs one seed again, with its trace. */
export function replayOf(seed: number): string {
	return `npm run simulate -- --seed ${seed} --trace`;
}
