/** A comparison for people at a terminal. */
import Table from "cli-table3";
import type { Comparison, Line, Verdict } from "./compare.ts";
import { PLAIN, textOf } from "./table.ts";

/** @param names of the two sides, for the head of the table */
export function comparisonTable(
	{ scenario, lines, warnings }: Comparison,
	names: readonly [string, string],
): string {
	const table = new Table({ head: [scenario, ...names, "change", ""], ...PLAIN });
	for (const line of lines) {
		const after = line.after === null ? "-" : textOf({ value: line.after, unit: line.unit });
		table.push([
			line.name,
			textOf({ value: line.before, unit: line.unit }),
			after,
			changeOf(line),
			wordOf(line.verdict),
		]);
	}
	return [table.toString(), ...warnings.map((warning) => `note: ${warning}`)].join("\n");
}

/** As the value moved: `+12 %` of a cost is bad news, and the next column says so. */
function changeOf({ before, after }: Line): string {
	if (after === null || before === 0) return "";
	const percent = (after / before - 1) * 100;
	return `${percent > 0 ? "+" : ""}${percent.toFixed(0)} %`;
}

function wordOf(verdict: Verdict): string {
	return verdict === null ? "" : verdict === "fallen" ? "WORSE, TOO FAR" : verdict;
}
