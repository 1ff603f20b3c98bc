/** The top of a report: what was measured, and the figures one looks for first. */
import type { Figure, Ratio, ScenarioResult } from "../support/result.ts";
import { escapeText } from "./escape.ts";
import { spoken } from "./names.ts";
import { shortNumber, withUnit } from "./numbers.ts";

/** Figures beside the first that are shown large. */
const TILES_MAX = 5;

export function headOf({ scenario, about, at, versions, figures, ratios, checked }: ScenarioResult): string {
	const [main, ...others] = figures;
	const tiles = [
		...(main === undefined ? [] : [tile(main, "main")]),
		...ratios.map(ratioTile),
		...mostAsked(others)
			.slice(0, Math.max(0, TILES_MAX - ratios.length))
			.map((figure) => tile(figure, "")),
	];
	const commit = versions.commit === null ? "" : ` · commit ${versions.commit}`;
	const proof = checked.length === 0 ? "" : " · stored result checked";
	return `<header><h1><b>${escapeText(scenario)}</b> ${escapeText(at.slice(0, 19).replace("T", " "))} UTC · engine ${escapeText(versions.engine + commit)}${proof}</h1>
<p>${escapeText(about)}</p><div class="tiles">${tiles.join("")}</div></header>`;
}

/** What a reader asks for next, in this order; the rest follows as it stands in the result. */
const MOST_ASKED = [
	"memory-peak",
	"peak-lag",
	"recovery-time",
	"latency-p99",
	"latency-p50",
	"cpu-engine",
	"cpu-postgres",
	"first-commit",
];

function mostAsked(figures: readonly Figure[]): Figure[] {
	const place = ({ name }: Figure) => {
		const at = MOST_ASKED.indexOf(name);
		return at === -1 ? MOST_ASKED.length : at;
	};
	return figures.toSorted((a, b) => place(a) - place(b));
}

function tile({ name, value, unit, about }: Figure, kind: string): string {
	const whole = withUnit(value, unit);
	// A tile is read at a glance; its title and the table have every digit.
	const shown =
		kind === "" && Math.abs(value) >= 10_000 && !["bytes", "s"].includes(unit)
			? `${shortNumber(value)} ${unit}`
			: whole;
	const [number, ...rest] = shown.split(" ");
	return `<div class="card tile ${kind}" title="${escapeText(`${whole}. ${about}`)}"><b>${escapeText(number!)} <small>${escapeText(rest.join(" "))}</small></b><span>${escapeText(spoken(name))}</span></div>`;
}

function ratioTile({ name, value, to, about, better }: Ratio): string {
	const share = Number.isFinite(value) ? Math.min(1, Math.max(0, value)) * 100 : 0;
	// A bar says "so much of it is left", which is no way to show a cost.
	const bar =
		better === "higher"
			? `<div class="bar" title="of ${escapeText(spoken(to))}"><i style="width:${share.toFixed(1)}%"></i></div>`
			: "";
	return `<div class="card tile blue" title="${escapeText(about)}"><b>${value.toFixed(2)}<small> ×</small></b><span>${escapeText(spoken(name))}</span>${bar}</div>`;
}
