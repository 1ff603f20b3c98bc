/** Runs several scenarios one after the other, between one start and one stop of the embedded Kafka and Postgres. */
import type { Places } from "./places.ts";
import { type Ended, type RunnerWorld, runScenario } from "./runner.ts";
import type { AnyScenario } from "./scenario.ts";

export interface Finished extends Ended {
	readonly scenario: AnyScenario;
	readonly seconds: number;
}

/** Goes on after one that failed; stops at Ctrl-C. @throws Error when there is no Kafka or Postgres */
export async function runSequence(
	scenarios: readonly AnyScenario[],
	quick: boolean,
	world: RunnerWorld,
): Promise<readonly Finished[]> {
	const places = await world.findPlaces(world.signal);
	// What was started for all of them is not stopped behind the first.
	const lent: Places = { ...places, release: async () => {} };
	const finished: Finished[] = [];
	try {
		for (const scenario of scenarios) {
			if (world.signal.aborted) break;
			world.terminal.note(`\n=== ${scenario.name}: ${scenario.about}`);
			const startedAt = performance.now();
			// One without a short form is short by itself.
			const args = quick && scenario.quick !== undefined ? ["--quick"] : [];
			const ended = await runScenario(scenario, args, { ...world, findPlaces: async () => lent });
			finished.push({ ...ended, scenario, seconds: (performance.now() - startedAt) / 1000 });
		}
	} finally {
		await places.release();
	}
	return finished;
}
