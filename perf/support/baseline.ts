/** The checked-in baseline: ratios of short runs, with the machine, command and date they are from. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../schema/package-root.ts";
import type { Comparable } from "./compare.ts";
import type { ScenarioResult } from "./result.ts";

/** Scenarios of the baseline, run with `--quick`: what CI repeats. */
export const BASELINE_SCENARIOS = ["drain", "steady"] as const;
/** A ratio that is worse by more than this share has fallen. */
export const TOLERANCE = 0.25;

export interface Baseline {
	/** Version of this format. */
	readonly format: 1;
	readonly results: readonly Comparable[];
}

export function baselinePath(): string {
	return join(packageRoot(), "perf", "baseline.json");
}

/** @throws Error when there is none, or it is something else */
export function readBaseline(path: string = baselinePath()): readonly Comparable[] {
	if (!existsSync(path)) throw new Error(`there is no baseline: make ${path} with "node perf baseline"`);
	const { format, results } = JSON.parse(readFileSync(path, "utf8")) as Partial<Baseline>;
	if (format !== 1 || !Array.isArray(results))
		throw new Error(`${path} is no baseline of this format: make it anew with "node perf baseline"`);
	return results;
}

/** Keeps what is compared, and leaves samples and plots out: the file is read in reviews. */
export function writeBaseline(results: readonly ScenarioResult[], path: string = baselinePath()): void {
	const baseline: Baseline = { format: 1, results: results.map(kept) };
	writeFileSync(path, `${JSON.stringify(baseline, null, "\t")}\n`);
}

/** Figures stay, with the ratios made of them: they say what machine the ratios are from. */
function kept({
	scenario,
	at,
	command,
	machine,
	versions,
	options,
	figures,
	ratios,
}: ScenarioResult): Comparable {
	return { scenario, at, command, machine, versions, options, figures, ratios };
}
