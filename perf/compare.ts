/** `node perf compare A B`: what got better and what worse between two results, two folders of them, or the baseline. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { readBaseline, TOLERANCE } from "./support/baseline.ts";
import { type Comparable, compare } from "./support/compare.ts";
import { comparisonTable } from "./support/comparison-table.ts";
import type { PerfCommand } from "./support/registry.ts";
import { readResults } from "./support/result-files.ts";
import type { ExitCode } from "./support/runner.ts";

const ABOUT = "puts two results side by side; exit 1 when a ratio fell too far";

export const command: PerfCommand = {
	name: "compare",
	about: ABOUT,
	async run(args, { out, terminal }) {
		try {
			const { paths, tolerance } = parse(args, out);
			const [before, after] = [load(paths[0]), load(paths[1])];
			return report(before, after, paths, tolerance, out);
		} catch (error) {
			if (error instanceof CommanderError && error.exitCode === 0) return 0;
			terminal.note((error as Error).message.replace(/^error: /, ""));
			return 2;
		}
	},
};

function parse(args: readonly string[], out: (text: string) => void) {
	const program = new Command("node perf compare")
		.description(`${ABOUT}\n\nEach is a file, a folder (of each scenario its newest result), or "baseline".`)
		.argument("<before>")
		.argument("<after>")
		.option("--tolerance <share>", "how much worse a ratio may be", share, TOLERANCE)
		.helpOption("-h, --help", "print help")
		.allowExcessArguments(false)
		.exitOverride()
		.configureOutput({ writeOut: out, writeErr: () => {} });
	program.parse([...args], { from: "user" });
	const paths = [program.args[0] ?? "", program.args[1] ?? ""] as const;
	return { paths, tolerance: program.opts<{ tolerance: number }>().tolerance };
}

function share(text: string): number {
	const value = Number(text);
	if (/^\d*\.?\d+$/.test(text) && value <= 1) return value;
	throw new InvalidArgumentError("It must be from 0 to 1.");
}

function load(path: string): readonly Comparable[] {
	return path === "baseline" ? readBaseline() : readResults(path);
}

function report(
	before: readonly Comparable[],
	after: readonly Comparable[],
	names: readonly [string, string],
	tolerance: number,
	out: (text: string) => void,
): ExitCode {
	const fallen: string[] = [];
	let compared = 0;
	for (const older of before) {
		const newer = after.find(({ scenario }) => scenario === older.scenario);
		if (newer === undefined) continue;
		compared++;
		const comparison = compare(older, newer, tolerance);
		out(comparisonTable(comparison, [labelOf(names[0], older), labelOf(names[1], newer)]));
		fallen.push(...comparison.fallen);
	}
	if (compared === 0) throw new Error(`${names.join(" and ")} have no scenario in common`);
	for (const sentence of fallen) out(sentence);
	return fallen.length === 0 ? 0 : 1;
}

function labelOf(path: string, { versions, at }: Comparable): string {
	const name = path === "baseline" ? "baseline" : (versions.commit ?? "?");
	return `${name} ${at.slice(0, 16).replace("T", " ")}`;
}
