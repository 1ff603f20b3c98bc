/** Which scenarios and commands there are: the modules in `perf/`, found by their names. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ExitCode, RunnerWorld } from "./runner.ts";
import type { AnyScenario } from "./scenario.ts";

/** Something of `node perf` that is no scenario: `compare`, `all`, `stages`. */
export interface PerfCommand {
	readonly name: string;
	/** One sentence for the list. */
	readonly about: string;
	/** Says itself what went wrong. */
	run(args: readonly string[], world: RunnerWorld): Promise<ExitCode>;
}

export type Entry = { readonly scenario: AnyScenario } | { readonly command: PerfCommand };

/** Of the compiled modules. */
const FOLDER = new URL("../", import.meta.url);

/** Names of everything that can be run, sorted. */
export function entryNames(folder: URL = FOLDER): readonly string[] {
	return readdirSync(fileURLToPath(folder))
		.filter((name) => name.endsWith(".js") && name !== "main.js")
		.map((name) => name.slice(0, -".js".length))
		.sort();
}

/** Null when there is none of this name. @throws Error when its module exports neither */
export async function loadEntry(name: string, folder: URL = FOLDER): Promise<Entry | null> {
	if (!/^[a-z][a-z0-9-]*$/.test(name) || name === "main") return null;
	const file = new URL(`${name}.js`, folder);
	if (!existsSync(file)) return null;
	const { scenario, command } = (await import(file.href)) as {
		readonly scenario?: AnyScenario;
		readonly command?: PerfCommand;
	};
	if (scenario !== undefined) return { scenario };
	if (command !== undefined) return { command };
	throw new Error(`perf/${name}.ts exports neither a scenario nor a command`);
}

/** All scenarios, by name. */
export async function allScenarios(folder: URL = FOLDER): Promise<readonly AnyScenario[]> {
	const entries = await Promise.all(entryNames(folder).map((name) => loadEntry(name, folder)));
	return entries.flatMap((entry) => (entry !== null && "scenario" in entry ? [entry.scenario] : []));
}
