/** Results for people at a terminal. */
import Table from "cli-table3";
import type { Distribution, Figure, ScenarioResult } from "./result.ts";

/** Figures with their meaning, ratios, distributions, and what was checked. */
export function tableOf(result: ScenarioResult): string {
	const figures = new Table({
		head: ["figure", "value", "what it is"],
		...PLAIN,
		wordWrap: true,
		colWidths: WIDTHS,
	});
	for (const figure of [...result.ratios, ...result.figures])
		figures.push([figure.name, textOf(figure), figure.about]);
	const parts = [figures.toString()];
	if (result.distributions.length > 0) parts.push(distributionsOf(result.distributions));
	parts.push(result.checked.map((sentence) => `checked: ${sentence}`).join("\n"));
	return parts.join("\n");
}

/** Without lines between the rows: a result is read on one screen. */
const NO_LINE = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };
export const PLAIN = { style: { head: [], border: [], compact: true }, chars: NO_LINE };
/** Together with the borders 120 columns. */
const WIDTHS = [30, 19, 67];

/** `412,345 events/s`, `0.47`, `3.10 µs/event`, `312 MB`. */
export function textOf({ value, unit }: Pick<Figure, "value" | "unit">): string {
	if (unit === "bytes") return `${(value / 2 ** 20).toFixed(0)} MB`;
	if (unit === "ratio") return value.toFixed(3);
	return `${numberOf(value)} ${unit}`;
}

function numberOf(value: number): string {
	const digits = Math.abs(value) >= 1000 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
	return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function distributionsOf(distributions: readonly Distribution[]): string {
	const table = new Table({ head: ["distribution", "count", "p50", "p95", "p99", "max"], ...PLAIN });
	for (const { name, count, p50, p95, p99, max, unit } of distributions) {
		const cells = [p50, p95, p99, max].map((value) => `${numberOf(value)} ${unit}`);
		table.push([name, numberOf(count), ...cells]);
	}
	return table.toString();
}
