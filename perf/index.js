#!/usr/bin/env node
// `node perf <scenario>`: plain JavaScript, so that it can say what to do when the build is missing.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Each is a module of this folder that exports `run(args): Promise<exit code>`. */
const SCENARIOS = {
	drain:
		"reads a full topic into an empty database: events/s, CPU per event, memory, and whether all of it is right",
};

const [name, ...args] = process.argv.slice(2);

if (name === undefined || name === "-h" || name === "--help" || name === "list") {
	console.log(usage());
} else if (!Object.hasOwn(SCENARIOS, name)) {
	console.error(`There is no scenario "${name}".\n\n${usage()}`);
	process.exitCode = 2;
} else {
	const built = new URL(`../dist/perf/${name}.js`, import.meta.url);
	if (existsSync(built)) {
		const { run } = await import(built.href);
		process.exitCode = await run(args);
	} else {
		console.error(
			`${fileURLToPath(built)} is missing: the program is not built. Run "npm run build", then try again.`,
		);
		process.exitCode = 1;
	}
}

function usage() {
	const list = Object.entries(SCENARIOS).map(([scenario, about]) => `  ${scenario.padEnd(10)}${about}`);
	return `Usage: node perf <scenario> [options]\n\nScenarios:\n${list.join("\n")}\n\n"node perf <scenario> --help" lists its options; perf/README.md says how to read the figures.`;
}
