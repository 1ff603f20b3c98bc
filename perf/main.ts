/** `node perf <name> [options]`: finds what is meant and runs it. */
import { allScenarios, entryNames, loadEntry, type PerfCommand } from "./support/registry.ts";
import { type ExitCode, realWorld, runScenario } from "./support/runner.ts";

/**
 * Runs a command line: a name of a scenario or a command, and its arguments. Ctrl-C stops and removes everything that
 * was started; a second one ends at once.
 */
export async function runPerf(args: readonly string[]): Promise<ExitCode> {
	const [name, ...rest] = args;
	if (name === undefined || ["-h", "--help", "help", "list"].includes(name)) {
		console.log(await usage());
		return 0;
	}
	const entry = await loadEntry(name);
	if (entry === null) {
		console.error(`There is no scenario "${name}".\n\n${await usage()}`);
		return 2;
	}
	const interruption = new AbortController();
	const onSignal = (signal: NodeJS.Signals) => {
		if (interruption.signal.aborted) process.exit(1);
		interruption.abort(new Error(`interrupted by ${signal}`));
	};
	process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
	const world = realWorld(interruption.signal);
	return "scenario" in entry
		? (await runScenario(entry.scenario, rest, world)).code
		: entry.command.run(rest, world);
}

async function usage(): Promise<string> {
	const [scenarios, commands] = await Promise.all([allScenarios(), allCommands()]);
	return `Usage: node perf <scenario> [options]

Scenarios:
${listOf(scenarios)}

Commands:
${listOf([{ name: "list", about: "prints this" }, ...commands])}

"node perf <name> --help" lists the options; perf/README.md says how to read the figures.`;
}

function listOf(entries: readonly Pick<PerfCommand, "name" | "about">[]): string {
	const width = Math.max(...entries.map(({ name }) => name.length)) + 2;
	return entries.map(({ name, about }) => `  ${name.padEnd(width)}${about}`).join("\n");
}

async function allCommands(): Promise<readonly PerfCommand[]> {
	const entries = await Promise.all(entryNames().map((name) => loadEntry(name)));
	return entries.flatMap((entry) => (entry !== null && "command" in entry ? [entry.command] : []));
}
