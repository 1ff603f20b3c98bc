/** `node perf baseline`: measures what CI compares itself with, and writes it to perf/baseline.json. */
import { BASELINE_SCENARIOS, baselinePath, writeBaseline } from "./support/baseline.ts";
import { loadEntry, type PerfCommand } from "./support/registry.ts";
import type { AnyScenario } from "./support/scenario.ts";
import { runSequence } from "./support/sequence.ts";

export const command: PerfCommand = {
	name: "baseline",
	about: `runs ${BASELINE_SCENARIOS.join(" and ")} with --quick and writes perf/baseline.json`,
	async run(args, world) {
		if (args.length > 0) {
			world.out(`Usage: node perf baseline\n\n${this.about}. Run it alone, on a quiet machine.`);
			return args.every((arg) => ["-h", "--help"].includes(arg)) ? 0 : 2;
		}
		try {
			const scenarios = await Promise.all(BASELINE_SCENARIOS.map(scenarioNamed));
			const finished = await runSequence(scenarios, true, world);
			const results = finished.flatMap(({ result }) => (result === null ? [] : [result]));
			if (results.length < scenarios.length) throw new Error("the baseline stays as it was");
			writeBaseline(results);
			world.terminal.note(`written to ${baselinePath()}`);
			return 0;
		} catch (error) {
			world.terminal.note((error as Error).message);
			return 1;
		}
	},
};

async function scenarioNamed(name: string): Promise<AnyScenario> {
	const entry = await loadEntry(name);
	if (entry !== null && "scenario" in entry) return entry.scenario;
	throw new Error(`there is no scenario "${name}"`);
}
