/**
 * Builds and runs Spin's checkers. One compiled checker serves all rows that share a model and its bounds: which guards
 * are removed comes from the environment (removed.pml).
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = dirname(fileURLToPath(import.meta.url));
/** Of one checker. States are stored exactly: with hash compaction a missed state would look like a proof. */
const MEMORY_MIB_MAX = 2_000;
/** Of one row; on an idle machine the longest takes a fraction of it. */
const ROW_SECONDS_MAX = 900;
const DEPTH_MAX = 500_000;

/**
 * Breadth first finds a shortest counterexample. Partial order reduction is off, since `timeout` looks at everything.
 * In the live mode any cycle is an error: no state is marked as progress.
 */
const MODES = {
	safety: { build: ["-DSAFETY", "-DNOCLAIM", "-DBFS"], run: ["-w22"] },
	live: { build: ["-DNP"], run: ["-l", "-w22", `-m${DEPTH_MAX}`] },
};

/** Something to tell the person who ran this. */
export class Refusal extends Error {}

/** @typedef {{ id: string, small: boolean, model: string, expect: "holds" | "fails" | "cycles", mode: "safety" | "live", removed: string[], bounds: string[], says: string }} Row */
/** @typedef {{ id: string, expect: string, got: "holds" | "fails" | "cycles" | "unfinished", states: number, seconds: number, violated: string }} Result */

/** Where the rows stand that are checked when no other table is named. */
export const TABLE = join(FOLDER, "runs.txt");

/** Reads a table of runs. @returns {Row[]} */
export function readRows(table) {
	return readFileSync(table, "utf8")
		.split("\n")
		.filter((line) => line.trim() !== "" && !line.startsWith("#"))
		.map((line) => {
			const fields = line.split("|").map((field) => field.trim());
			const [id, size, model, expect, mode, removed, bounds, says] = fields;
			if (fields.length !== 8) throw new Refusal(`runs.txt: this row has not 8 fields: ${line}`);
			if (
				!["small", "full"].includes(size) ||
				!["holds", "fails", "cycles"].includes(expect) ||
				!(mode in MODES)
			)
				throw new Refusal(`runs.txt: small or full; holds, fails or cycles; safety or live: ${line}`);
			return {
				id,
				small: size === "small",
				model,
				expect,
				mode,
				removed: words(removed),
				bounds: words(bounds),
				says,
			};
		});
}

function words(text) {
	return text.split(/\s+/).filter((word) => word !== "" && word !== "-");
}

/** The guards of a model and their numbers, from its own text. @returns {Map<string, number>} */
export function guardsOf(model) {
	const text = readFileSync(join(FOLDER, `${model}.pml`), "utf8");
	const guards = [...text.matchAll(/^#define (\w+) (\d+)\s+\/\/ guard: /gm)];
	return new Map(guards.map(([, name, number]) => [name, Number(number)]));
}

/** Which guards no row removes; each of them should have one. @returns {string[]} */
export function untriedGuards(rows) {
	return [...new Set(rows.map(({ model }) => model))].flatMap((model) => {
		const tried = new Set(rows.filter((row) => row.model === model).flatMap(({ removed }) => removed));
		return [...guardsOf(model).keys()]
			.filter((guard) => !tried.has(guard))
			.map((guard) => `${model}: ${guard}`);
	});
}

/** @throws Refusal when Spin or a C compiler with its library is missing */
export function requireTools() {
	const isThere = (program, argument) => spawnSync(program, [argument], { stdio: "ignore" }).status === 0;
	const missing = [
		...(isThere("spin", "-V") ? [] : ["Spin"]),
		...(isThere("gcc", "--version") ? [] : ["gcc"]),
	];
	if (missing.length === 0) return;
	const command = `${process.getuid?.() === 0 ? "" : "sudo "}apt-get install -y spin gcc libc6-dev`;
	throw new Refusal(`the model needs ${missing.join(" and ")}; install with:\n  ${command}`);
}

/** Rows that one compiled checker can run. @returns {Row[][]} */
export function grouped(rows) {
	const groups = new Map();
	for (const row of rows) {
		const key = [row.model, row.mode, ...row.bounds].join(" ");
		groups.set(key, [...(groups.get(key) ?? []), row]);
	}
	return [...groups.values()];
}

/** Compiles the checker of a group into `folder`, which must not exist. */
export async function build(row, folder) {
	mkdirSync(folder, { recursive: true });
	await expectSuccess("spin", ["-a", ...row.bounds, join(FOLDER, `${row.model}.pml`)], folder);
	// Hidden variables are used within one d_step only and never between two, so breadth first is safe with them.
	const header = join(folder, "pan.h");
	const text = readFileSync(header, "utf8");
	writeFileSync(header, text.replace(/^.*cannot use BFS on models with variables declared hidden.*$/m, ""));
	const options = [
		"-O1",
		"-w",
		"-DNOREDUCE",
		"-DCOLLAPSE",
		`-DMEMLIM=${MEMORY_MIB_MAX}`,
		...MODES[row.mode].build,
	];
	await expectSuccess("gcc", [...options, "-o", "pan", "pan.c"], folder);
}

/** Runs one row with the checker in `folder`. @returns {Promise<Result>} */
export async function check(row, folder) {
	rmSync(join(folder, `${row.model}.pml.trail`), { force: true });
	const startedMs = performance.now();
	const env = { ...process.env, REMOVED: String(maskOf(row)) };
	const { output, isLate } = await run(join(folder, "pan"), MODES[row.mode].run, folder, env);
	const seconds = (performance.now() - startedMs) / 1000;
	const violated = /^pan:1: (?:assertion violated\s+)?(.*)$/m.exec(output)?.[1] ?? "";
	const states = Number(/([\d.e+]+) states, stored/.exec(output)?.[1] ?? 0);
	return {
		id: row.id,
		expect: row.expect,
		got: isLate ? "unfinished" : verdictOf(output, violated),
		states,
		seconds,
		violated,
	};
}

function verdictOf(output, violated) {
	const errors = /errors: (\d+)/.exec(output)?.[1];
	if (errors === undefined) return "unfinished";
	if (errors !== "0") return violated.startsWith("non-progress cycle") ? "cycles" : "fails";
	const isCut = /max search depth too small|Search not completed|reached -DMEMLIM|out of memory/.test(output);
	return isCut ? "unfinished" : "holds";
}

/** The counterexample that `check` left in `folder`, one line per action: step, process, line of the model and the comment above it. */
export async function trace(row, folder) {
	const source = join(FOLDER, `${row.model}.pml`);
	const trail = join(folder, `${row.model}.pml.trail`);
	const options = ["-t", "-p", "-k", trail, `-DREMOVED=${maskOf(row)}`, ...row.bounds, source];
	const { output } = await run("spin", options, folder, process.env);
	const text = readFileSync(source, "utf8").split("\n");
	const about = (number) => text.slice(0, number).findLast((line) => /^\s*\/\* /.test(line)) ?? "";
	const lines = [];
	let last = "";
	for (const line of output.split("\n")) {
		const found = /^\s*(\d+):\s+proc\s+(\d+) \((\w+):\d+\) \S*:(\d+) \(state \d+\)\s+\[/.exec(line);
		if (found === null || found[1] === last) continue;
		const [, step, process, name, number] = found;
		last = step;
		const comment = about(Number(number))
			.trim()
			.replace(/^\/\* | \*\/$/g, "");
		lines.push(
			`${step.padStart(4)}  ${`${name} ${process}`.padEnd(12)} line ${number.padStart(3)}  ${comment}`,
		);
	}
	return lines;
}

function maskOf({ model, removed }) {
	const guards = guardsOf(model);
	return removed.reduce((mask, name) => {
		const number = guards.get(name);
		if (number === undefined) throw new Refusal(`runs.txt: ${model}.pml has no guard ${name}`);
		return mask | (1 << number);
	}, 0);
}

async function expectSuccess(program, options, folder) {
	const { code, output } = await run(program, options, folder, process.env);
	if (code !== 0) throw new Refusal(`${program} ${options.join(" ")} failed:\n${output}`);
}

/** @returns {Promise<{ code: number | null, output: string, isLate: boolean }>} */
function run(program, options, folder, env) {
	return new Promise((resolve, reject) => {
		const child = spawn(program, options, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
		let output = "";
		let isLate = false;
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text) => {
				output += text;
			});
		}
		const timer = setTimeout(() => {
			isLate = true;
			child.kill("SIGKILL");
		}, ROW_SECONDS_MAX * 1000);
		child.on("error", reject);
		child.on("close", (code) => {
			clearTimeout(timer);
			resolve({ code, output, isLate });
		});
	});
}
