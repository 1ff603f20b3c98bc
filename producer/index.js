#!/usr/bin/env node
// `node producer FILE` is `node engine produce FILE`: plain JavaScript, see engine/index.js.
import { existsSync } from "node:fs";

const program = new URL("../dist/engine/main.js", import.meta.url);
if (existsSync(program)) {
	const { runProcess } = await import(program.href);
	await runProcess(["produce", ...process.argv.slice(2)]);
} else {
	process.stderr.write(
		"error: the producer is not built yet\nnext:  run `npm ci` (or `npm run build`) in its folder\n",
	);
	process.exitCode = 1;
}
