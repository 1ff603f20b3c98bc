/** The lower part of a report: every figure with what it means, what was checked, and how to repeat it. */
import type { Figure, Ratio, ScenarioResult } from "../support/result.ts";
import { escapeText } from "./escape.ts";
import { spoken } from "./names.ts";
import { bytes, withUnit } from "./numbers.ts";

export function ratioTable(ratios: readonly Ratio[]): string {
	const rows = ratios.map(
		({ name, value, of, to, about }) =>
			`<tr><td class="name">${escapeText(spoken(name))}</td><td class="value">${value.toFixed(3)}</td><td class="about">${escapeText(`${spoken(of)} / ${spoken(to)}: ${about}`)}</td></tr>`,
	);
	return table(["ratio", "value", "of what, and what it means"], rows);
}

export function figureTable(figures: readonly Figure[]): string {
	const rows = figures.map(
		({ name, value, unit, about }) =>
			`<tr><td class="name">${escapeText(spoken(name))}</td><td class="value">${escapeText(withUnit(value, unit))}</td><td class="about">${escapeText(about)}</td></tr>`,
	);
	return table(["figure", "value", "what it is"], rows);
}

function table(head: readonly [string, string, string], rows: readonly string[]): string {
	if (rows.length === 0) return "";
	const [name, value, about] = head;
	return `<div class="card scroll"><table><thead><tr><th>${name}</th><th class="value">${value}</th><th>${about}</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

export function originOf({ command, machine, versions, options, settings }: ScenarioResult): string {
	const { cpu, cores, memoryBytes, kernel } = machine;
	const pairs = (record: Readonly<Record<string, string | number | boolean>>) =>
		Object.entries(record)
			.map(([key, value]) => `${key} ${value}`)
			.join(" · ");
	const rows: [string, string][] = [
		["machine", `${cpu}, ${cores} cores, ${bytes(memoryBytes)} memory, kernel ${kernel}`],
		[
			"versions",
			`engine ${versions.engine}, Node ${versions.node}, Postgres ${versions.postgres ?? "unknown"}, Kafka ${versions.kafka ?? "unknown"}`,
		],
		["options", pairs(options)],
		["settings", Object.keys(settings).length === 0 ? "the engine's defaults" : pairs(settings)],
	];
	const items = rows.map(([name, text]) => `<dt>${name}</dt><dd>${escapeText(text)}</dd>`);
	return `<div class="card"><dl>${items.join("")}</dl><p style="margin:12px 0 6px">To repeat it:</p><pre>${escapeText(command)}</pre></div>`;
}

export function list(sentences: readonly string[]): string {
	if (sentences.length === 0) return "";
	return `<div class="card"><ul class="checks">${sentences.map((sentence) => `<li>${escapeText(sentence)}</li>`).join("")}</ul></div>`;
}
