#!/usr/bin/env node
// The entry of `node engine`: plain JavaScript, so that it can say what to do when the build is missing.
import { existsSync } from "node:fs";

const program = new URL("../dist/engine/main.js", import.meta.url);
if (existsSync(program)) {
	const { runProcess } = await import(program.href);
	await runProcess(process.argv.slice(2));
} else {
	process.stderr.write(
		"error: the engine is not built yet\nnext:  run `npm ci` (or `npm run build`) in its folder\n",
	);
	process.exitCode = 1;
}
