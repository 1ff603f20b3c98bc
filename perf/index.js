#!/usr/bin/env node
// `node perf <scenario>`: plain JavaScript, so that it can say what to do when the build is missing.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const args = process.argv.slice(2);
// For whoever built into another folder, as of test/run.js: `node perf --dist dist-2 drain`.
const folder = args[0] === "--dist" ? args.splice(0, 2)[1] : "dist";
const main = resolve(fileURLToPath(import.meta.url), "../..", folder ?? "dist", "perf/main.js");

if (existsSync(main)) {
	const { runPerf } = await import(pathToFileURL(main).href);
	// What a scenario left open, such as a request to a frozen server, does not keep the program.
	process.exit(await runPerf(args));
} else {
	console.error(`${main} is missing: the program is not built. Run "npm run build", then try again.`);
	process.exitCode = 1;
}
