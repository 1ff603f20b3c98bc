/**
 * `npm run mutate -- [--only TEXT] [--seeds 600] [--seed N] [--chaos MINUTES] [--write]`: takes the guards of guards.ts
 * out one by one and runs the simulation (and the unit tests that mirror the file; with `--chaos` the process chaos, too) on
 * what is left. Prints the table of docs/mutation.md, and with `--write` puts it there. Ends with 1 when a run is not of
 * the colour that is expected.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { packageRoot } from "../../schema/package-root.ts";
import type { Guard } from "./guard.ts";
import { GUARDS } from "./guards.ts";
import { MutantFolder } from "./mutant.ts";

/** Compiled: two levels above this file's folder. */
const BUILT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const DOCUMENT = "docs/mutation.md";
/** A mutant may hang for ever; a run of this many seeds takes a tenth of it on an idle machine. */
const SIMULATION_MS_MAX = 600_000;
const UNIT_MS_MAX = 60_000;
const MS_PER_MINUTE = 60_000;
/** Beyond its minutes a chaos run starts, heals and compares. */
const CHAOS_EXTRA_MINUTES = 5;

interface Row {
	readonly guard: Guard;
	/** Null: stayed green. */
	readonly simulation: string | null;
	readonly unit: "red" | "green" | "none";
	readonly chaos: "red" | "green" | null;
}

const { values } = parseArgs({
	options: {
		only: { type: "string", default: "" },
		seeds: { type: "string", default: "600" },
		seed: { type: "string", default: "1" },
		chaos: { type: "string" },
		write: { type: "boolean", default: false },
	},
});

process.exitCode = main();

function main(): number {
	const guards = GUARDS.filter(({ name }) => name.includes(values.only));
	const folder = new MutantFolder(packageRoot(), BUILT);
	try {
		const whole = simulate(folder, null);
		if (whole.firstProblem !== null) {
			console.error(`the simulation fails with every guard in place: ${whole.firstProblem}`);
			return 1;
		}
		const rows = guards.map((guard) => {
			const row = judged(folder, guard);
			console.error(`${row.simulation === null ? "green" : "red  "} ${guard.name}: ${row.simulation ?? ""}`);
			return row;
		});
		const table = tableOf(rows);
		console.log(table);
		if (values.write) write(table);
		const wrong = rows.filter(isUnexpected);
		for (const { guard } of wrong) console.error(`not as expected: ${guard.name}`);
		return wrong.length === 0 ? 0 : 1;
	} finally {
		folder.remove();
	}
}

function judged(folder: MutantFolder, guard: Guard): Row {
	const restore = folder.apply(guard.edits);
	try {
		const { firstProblem, seeds } = simulate(folder, guard);
		const simulation = firstProblem === null ? null : `seed ${seeds}: ${firstProblem}`;
		return { guard, simulation, unit: unitTests(folder, guard), chaos: chaos(folder, guard) };
	} finally {
		restore();
	}
}

/** `seeds`: how many it took. */
function simulate(folder: MutantFolder, guard: Guard | null): { firstProblem: string | null; seeds: number } {
	const program = join(folder.path, "test/simulation/simulate.js");
	const args = [program, "--seeds", values.seeds, "--seed", values.seed, "--no-coverage"];
	const { status, stdout } = run(args, SIMULATION_MS_MAX);
	if (status === 0) return { firstProblem: null, seeds: Number(values.seeds) };
	const seed = /^seed (\d+) failed/m.exec(stdout)?.[1];
	const problem = /^ {2}(?:at [\d.]+ ms: )?(.*)$/m.exec(stdout)?.[1];
	const told = problem ?? (status === null ? "it never ends" : `ended with ${status}`);
	const seeds = seed === undefined ? 0 : Number(seed) - Number(values.seed) + 1;
	return { firstProblem: shortened(told), seeds: guard === null ? 0 : seeds };
}

function unitTests(folder: MutantFolder, { edits }: Guard): Row["unit"] {
	const files = [
		...new Set(edits.map(({ file }) => join(folder.path, "test", file.replace(/\.ts$/, ".test.js")))),
	];
	const present = files.filter((file) => existsSync(file));
	if (present.length === 0) return "none";
	return present.every((file) => run([file], UNIT_MS_MAX).status === 0) ? "green" : "red";
}

function chaos(folder: MutantFolder, { chaosFaults }: Guard): Row["chaos"] {
	if (values.chaos === undefined) return null;
	const program = join(folder.path, "test/chaos/chaos.js");
	const minutes = Number(values.chaos);
	const args = [program, "--seconds", String(minutes * 60), "--seed", values.seed];
	args.push("--together", "3", "--bail", "--no-calm");
	if (chaosFaults !== undefined) args.push("--faults", chaosFaults);
	return run(args, (minutes + CHAOS_EXTRA_MINUTES) * MS_PER_MINUTE).status === 0 ? "green" : "red";
}

function run(args: readonly string[], timeoutMs: number): { status: number | null; stdout: string } {
	const { status, stdout } = spawnSync(process.execPath, args, {
		timeout: timeoutMs,
		killSignal: "SIGKILL",
		encoding: "utf8",
		maxBuffer: 2 ** 28,
		stdio: ["ignore", "pipe", "ignore"],
	});
	return { status, stdout: stdout ?? "" };
}

function shortened(problem: string): string {
	const line = problem.replace(/\|/g, "/").replace(/\s+/g, " ");
	return line.length > 110 ? `${line.slice(0, 107)}...` : line;
}

function isUnexpected({ guard, simulation, chaos }: Row): boolean {
	const isRed = simulation !== null;
	return (
		(guard.simulation !== "seldom" && isRed !== (guard.simulation === "red")) ||
		(chaos !== null && guard.chaos !== undefined && chaos !== guard.chaos)
	);
}

function tableOf(rows: readonly Row[]): string {
	const lines = rows.map(({ guard, simulation, unit, chaos }) => {
		const seen = simulation === null ? `green: ${guard.because ?? "UNEXPECTED"}` : `red at ${simulation}`;
		const wanted = isUnexpected({ guard, simulation, unit, chaos }) ? " **(not as expected)**" : "";
		return `| ${guard.name} | ${seen}${wanted} | ${unit === "none" ? "" : unit} | ${chaos ?? ""} |`;
	});
	return ["| without | simulation | unit | chaos |", "|---|---|---|---|", ...lines].join("\n");
}

function write(table: string): void {
	const path = join(packageRoot(), DOCUMENT);
	const text = readFileSync(path, "utf8");
	const head = text.slice(0, text.indexOf("| without |"));
	const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), Node ${process.versions.node}`;
	const stamp = `\nMade by \`npm run mutate -- --seeds ${values.seeds} --seed ${values.seed} --write\` on ${machine}, ${new Date().toISOString().slice(0, 10)}.\n`;
	writeFileSync(path, `${head}${table}\n${stamp}`);
}
