/** `node perf all`: every scenario, one after the other, and what came out of it on one screen. */
import Table from "cli-table3";
import { Command, CommanderError } from "commander";
import { allScenarios, type PerfCommand } from "./support/registry.ts";
import { type Finished, runSequence } from "./support/sequence.ts";
import { PLAIN, textOf } from "./support/table.ts";

const ABOUT = "runs every scenario";

export const command: PerfCommand = {
	name: "all",
	about: ABOUT,
	async run(args, world) {
		try {
			const { quick, skip } = parse(args, world.out);
			const scenarios = await allScenarios();
			for (const name of skip) {
				if (scenarios.some((scenario) => scenario.name === name)) continue;
				throw new CommanderError(2, "perf.unknownScenario", `there is no scenario "${name}" to skip`);
			}
			const chosen = scenarios.filter(({ name }) => !skip.includes(name));
			// Each has said on stderr where its result is; the tables would bury the overview.
			const finished = await runSequence(chosen, quick ?? false, { ...world, out: () => {} });
			world.out(overview(finished));
			return finished.length === chosen.length && finished.every(({ code }) => code === 0) ? 0 : 1;
		} catch (error) {
			if (error instanceof CommanderError && error.exitCode === 0) return 0;
			world.terminal.note((error as Error).message.replace(/^error: /, ""));
			return error instanceof CommanderError ? 2 : 1;
		}
	},
};

function parse(args: readonly string[], out: (text: string) => void) {
	const program = new Command("node perf all")
		.description(`${ABOUT}, one after the other; writes a report for each.`)
		.option("--quick", "the short form of each, about 20 s")
		.option("--skip <names...>", "scenarios to leave out", [])
		.helpOption("-h, --help", "print help")
		.allowExcessArguments(false)
		.exitOverride()
		.configureOutput({ writeOut: out, writeErr: () => {} });
	program.parse([...args], { from: "user" });
	return program.opts<{ quick?: boolean; skip: string[] }>();
}

/** The figure that matters and the ratios of each. */
export function overview(finished: readonly Finished[]): string {
	const table = new Table({ head: ["scenario", "seconds", "figure", "ratios"], ...PLAIN });
	for (const { scenario, result, seconds } of finished) {
		const figure = result?.figures[0];
		const ratios = result?.ratios.map(({ name, value }) => `${name} ${value.toFixed(2)}`) ?? [];
		const what = figure === undefined ? "FAILED" : `${figure.name} ${textOf(figure)}`;
		table.push([scenario.name, seconds.toFixed(0), what, ratios.join("\n")]);
	}
	return table.toString();
}
