/** The plots of a report, each in a card with its sentence and its legend. */
import type { Distribution, ScenarioResult } from "../support/result.ts";
import { CPU_PARTS, cpuPerEvent } from "./cpu.ts";
import { escapeText } from "./escape.ts";
import { drawHistogram } from "./histogram.ts";
import { placeLabels } from "./marks.ts";
import { capital, spoken } from "./names.ts";
import { exactNumber, withUnit } from "./numbers.ts";
import { drawPlot } from "./plot.ts";
import type { Plot, Tone } from "./plot-model.ts";

/** Coordinate widths of a plot: half a screen, and a phone. Each is shown at about its size, so text stays readable. */
const WIDE_PX = 560;
const NARROW_PX = 330;
const PLOT_HEIGHT_PX = 170;

/** Texts of marks where plots have only room for their numbers; empty where they have room. */
export function marksList({ marks, samples }: ScenarioResult): string {
	const sorted = marks.toSorted((a, b) => a.atSeconds - b.atSeconds);
	const from = samples[0]?.atSeconds ?? 0;
	const to = Math.max(samples.at(-1)?.atSeconds ?? 0, sorted.at(-1)?.atSeconds ?? 0);
	const spread = (width: number) =>
		placeLabels(
			sorted.map(({ atSeconds, text }) => ({
				x: 50 + ((atSeconds - from) / (to - from || 1)) * (width - 60),
				text,
			})),
			50,
			width - 10,
		).numbered;
	const [wide, narrow] = [spread(WIDE_PX), spread(NARROW_PX)];
	if (!wide && !narrow) return "";
	const items = sorted.map(
		({ atSeconds, text }) => `<li>${escapeText(`${withUnit(atSeconds, "s")}: ${text}`)}</li>`,
	);
	return `<div class="${wide ? "" : "narrow"}"><ol class="marks">${items.join("")}</ol></div>`;
}

export function plotCard(plot: Plot): string {
	const keys = plot.series.map(({ name, tone, look }) => {
		const shape = plot.stacked ? "block" : look === "dashed" ? "dashed" : "";
		return `<span class="${tone}"><i class="${shape}"></i>${escapeText(name)}</span>`;
	});
	const legend = keys.length > 1 ? `<div class="legend">${keys.join("")}</div>` : "";
	return card(plot.title, plot.about, legend + bothWidths((width) => drawPlot(plot, width, PLOT_HEIGHT_PX)));
}

export function distributionCard(distribution: Distribution): string {
	const about = `${exactNumber(distribution.count)} values: share of them by how long it took.`;
	return card(
		capital(spoken(distribution.name)),
		about,
		bothWidths((width) => drawHistogram(distribution, width, PLOT_HEIGHT_PX)),
	);
}

export function cpuCards({ samples, figures }: ScenarioResult): string[] {
	const parts = cpuPerEvent(samples)?.map(({ part, micros }) => ({ ...CPU_PARTS[part], value: micros }));
	const cards: string[] = [];
	if (parts !== undefined)
		cards.push(
			card(
				"CPU per event",
				"µs of CPU per committed event, from the first commit seen to the last.",
				bars(parts),
			),
		);
	const stages = figures.filter(({ unit, name }) => unit === "µs/event" && name.startsWith("stage-"));
	const rows = stages.map(({ name, value }) => ({
		name: spoken(name.slice(6)),
		value,
		tone: "teal" as Tone,
	}));
	if (rows.length > 1)
		cards.push(card("CPU per stage", "µs of CPU per event of each stage by itself.", bars(rows)));
	return cards;
}

function bars(
	rows: readonly { readonly name: string; readonly value: number; readonly tone: Tone }[],
): string {
	const most = Math.max(...rows.map(({ value }) => value), Number.MIN_VALUE);
	const lines = rows.map(
		({ name, value, tone }) =>
			`<span>${escapeText(name)}</span><div class="track ${tone}"><i style="width:${((100 * value) / most).toFixed(1)}%"></i></div><b>${value.toFixed(2)}</b>`,
	);
	const sum = rows.reduce((total, { value }) => total + value, 0);
	return `<div class="hbars">${lines.join("")}<span>together</span><span></span><b>${sum.toFixed(2)}</b></div>`;
}

function card(title: string, about: string, content: string): string {
	return `<section class="card"><h2>${escapeText(title)}</h2><p>${escapeText(about)}</p>${content}</section>`;
}

function bothWidths(draw: (width: number) => string): string {
	return (
		draw(WIDE_PX).replace("<svg ", '<svg class="wide" ') +
		draw(NARROW_PX).replace("<svg ", '<svg class="narrow" ')
	);
}
