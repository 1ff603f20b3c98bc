/**
 * Checks the protocol: `node docs/model/run.js [--small] [--json] [--write] [--table FILE] [--trace ID] [ids...]`. Each row of runs.txt (or
 * of FILE) must end as it says there; otherwise the exit code is 1. A run of all rows, or one with --write, puts its lines into results.txt.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
	build,
	check,
	grouped,
	Refusal,
	readRows,
	requireTools,
	TABLE,
	trace,
	untriedGuards,
} from "./checker.js";

/** Two: a checker may take 2 GB. */
const JOBS = 2;
const RESULTS = join(dirname(fileURLToPath(import.meta.url)), "results.txt");

const { values: options, positionals: ids } = parseArgs({
	allowPositionals: true,
	options: {
		small: { type: "boolean" },
		json: { type: "boolean" },
		write: { type: "boolean" },
		table: { type: "string", default: TABLE },
		trace: { type: "string" },
	},
});
const work = mkdtempSync(join(tmpdir(), "protocol-model-"));
try {
	process.exitCode = await main();
} catch (error) {
	console.error(error instanceof Refusal ? error.message : error);
	process.exitCode = 1;
} finally {
	rmSync(work, { recursive: true, force: true });
}

async function main() {
	const all = readRows(options.table);
	const untried = options.table === TABLE ? untriedGuards(all) : [];
	if (untried.length > 0) throw new Refusal(`runs.txt: no row removes these guards: ${untried.join(", ")}`);
	if (options.json !== true)
		console.log("# id, what was asked, result, states, seconds, the assertion that failed");
	requireTools();
	if (options.trace !== undefined) return printTrace(chosen(all, [options.trace]));
	const rows = chosen(all, ids).filter(({ small }) => small || !options.small);
	const results = await checkAll(rows);
	const wrong = results.filter(({ got, expect }) => got !== expect);
	if (options.table === TABLE && (options.write || rows.length === all.length)) writeResults(all, results);
	if (options.json !== true) {
		console.log(`# ${results.length} rows, ${wrong.length} not as expected`);
		for (const { id } of wrong) console.log(`# look at it with: npm run model -- --trace ${id}`);
	}
	return wrong.length === 0 && results.length > 0 ? 0 : 1;
}

function chosen(rows, wanted) {
	for (const id of wanted)
		if (!rows.some((row) => row.id === id)) throw new Refusal(`runs.txt has no row ${id}`);
	return wanted.length === 0 ? rows : rows.filter(({ id }) => wanted.includes(id));
}

async function checkAll(rows) {
	const groups = grouped(rows);
	const results = new Map();
	let started = 0;
	const worker = async () => {
		while (started < groups.length) {
			const folder = join(work, String(started));
			const group = groups[started++];
			await build(group[0], folder);
			for (const row of group) {
				const result = await check(row, folder);
				results.set(row.id, result);
				console.log(options.json ? JSON.stringify({ ...result, says: row.says }) : lineOf(row, result));
			}
			rmSync(folder, { recursive: true, force: true });
		}
	};
	await Promise.all(Array.from({ length: JOBS }, worker));
	return rows.map(({ id }) => results.get(id));
}

function lineOf({ id, says, model, expect }, { got, states, seconds, violated }) {
	const mark = got === expect ? "" : `  UNEXPECTED, should be: ${expect}`;
	const numbers = `${String(states).padStart(9)} ${seconds.toFixed(1).padStart(6)} s`;
	return `${id}  ${`${model}: ${says}`.padEnd(104)} ${got.padEnd(10)} ${numbers}  ${violated}${mark}`.trimEnd();
}

/** Rows that were not run keep the lines they have. */
function writeResults(all, results) {
	const system =
		/^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? process.platform;
	const { stdout } = spawnSync("spin", ["-V"], { encoding: "utf8" });
	const day = new Date().toISOString().slice(0, 10);
	const before = existsSync(RESULTS) ? readFileSync(RESULTS, "utf8").split("\n") : [];
	const known = new Map(before.map((line) => [line.split(" ", 1)[0], line]));
	for (const result of results) known.set(result.id, lineOf(rowOf(all, result.id), result));
	const lines = [
		`# npm run model, ${day}, ${cpus().length} cores, ${system}, ${stdout.trim()}`,
		"# id, what was asked, result (holds; fails: a counterexample; cycles: it may go on for ever), states, seconds, what failed",
		...all.flatMap(({ id }) => known.get(id) ?? []),
	];
	writeFileSync(RESULTS, `${lines.join("\n")}\n`);
}

function rowOf(rows, id) {
	return rows.find((row) => row.id === id);
}

async function printTrace([row]) {
	const folder = join(work, "trace");
	await build(row, folder);
	const result = await check(row, folder);
	console.log(lineOf(row, result));
	if (result.got === "fails" || result.got === "cycles")
		for (const line of await trace(row, folder)) console.log(line);
	return result.got === row.expect ? 0 : 1;
}
