/** The report of a run: one HTML file without a script and without the network, read from top to bottom. */
import type { ScenarioResult } from "../support/result.ts";
import { cpuCards, distributionCard, marksList, plotCard } from "./cards.ts";
import { curvePlots } from "./curve-plots.ts";
import { escapeText } from "./escape.ts";
import { headOf } from "./head.ts";
import { hasValues } from "./plot-model.ts";
import { STYLE } from "./style.ts";
import { figureTable, list, originOf, ratioTable } from "./tables.ts";
import { timePlots } from "./time-plots.ts";

/** Throughput and lag come first, then how long things took, then what it cost. */
const LEADING_PLOTS = 2;

/** The whole page. It shows what is in the result and nothing else; an empty series has no plot. */
export function renderReport(result: ScenarioResult): string {
	const title = escapeText(`${result.scenario}, ${result.at.slice(0, 16).replace("T", " ")}`);
	const plots = [
		...timePlots(result.samples, result.marks, result.machine.cores),
		...curvePlots(result.curves).filter(hasValues),
	].map(plotCard);
	const cards = [
		...plots.slice(0, LEADING_PLOTS),
		...result.distributions.filter(({ count }) => count > 0).map(distributionCard),
		...plots.slice(LEADING_PLOTS),
		...cpuCards(result),
	];
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${STYLE}</style></head><body><main>
${headOf(result)}
${marksList(result)}
${part("Plots", cards.length === 0 ? "" : `<div class="grid2">${cards.join("\n")}</div>`)}
${part("Ratios", ratioTable(result.ratios))}
${part("Figures", figureTable(result.figures))}
${part("Checked before this was written", list(result.checked))}
${part("How it was measured", originOf(result))}
</main></body></html>
`;
}

function part(title: string, content: string): string {
	return content === "" ? "" : `<h2 class="part">${title}</h2>${content}`;
}
