/** The partitions of this engine: a table, the worst of them, or how many are in which state. Pure. */
import type { PartitionStatus } from "../../monitoring/status.ts";
import { withCommas } from "../commands/progress.ts";
import { type Section, tableSizes } from "./compose.ts";
import { lagTone } from "./flow-section.ts";
import { printable } from "./printable.ts";
import { type Line, type Piece, piece } from "./style.ts";
import { type Column, table } from "./table.ts";
import { labelled, type View } from "./view.ts";
import { PARTITION_WORDS, pauseWords, seconds, utcTime } from "./words.ts";

export function partitionSection(view: View): Section {
	const { partitions } = view.status;
	const sizes = tableSizes(partitions.length);
	return {
		priority: 6,
		startsGroup: true,
		sizes,
		draw(lines) {
			if (lines === 1) return [labelled("partitions", ...summaryOf(partitions, view))];
			if (lines === partitions.length + 1) return tableOf(partitions, view);
			const shown = worstOf(partitions, lines - 2);
			const others = partitions.filter((one) => !shown.includes(one));
			const more = piece("dim", `and ${withCommas(others.length)} more: `);
			return [...tableOf(shown, view), [more, ...summaryOf(others, view)]];
		},
	};
}

/** By number: rows that change places cannot be read. */
function worstOf(partitions: readonly PartitionStatus[], count: number): readonly PartitionStatus[] {
	const rank = (one: PartitionStatus) =>
		one.state === "halted"
			? 0
			: one.state !== "running"
				? 1
				: pauseWords(one.pausedReasons).length > 0
					? 2
					: 3;
	const worst = [...partitions].sort(
		(a, b) => rank(a) - rank(b) || (b.lag ?? 0) - (a.lag ?? 0) || a.partition - b.partition,
	);
	return worst.slice(0, count).sort((a, b) => a.partition - b.partition);
}

function summaryOf(partitions: readonly PartitionStatus[], { status, style }: View): Line {
	if (partitions.length === 0) {
		return [status.state === "running" ? "none: other engines of the group have them" : "none yet"];
	}
	const states = Object.keys(PARTITION_WORDS) as (keyof typeof PARTITION_WORDS)[];
	return states
		.map((state) => [state, partitions.filter((one) => one.state === state).length] as const)
		.filter(([, count]) => count > 0)
		.flatMap(([state, count], index): Line => {
			const text = `${withCommas(count)} ${PARTITION_WORDS[state]}`;
			return [index === 0 ? "" : style.glyphs.separator, piece(toneOf(state), text)];
		});
}

function tableOf(partitions: readonly PartitionStatus[], { columns, style, nowMs }: View): Line[] {
	const none = piece("dim", style.glyphs.none);
	const column = (
		title: string,
		importance: number,
		cellOf: (one: PartitionStatus) => Piece,
		align: Column["align"] = "right",
	): Column => ({ title, importance, align, cells: partitions.map(cellOf) });
	const number = (value: number | null): Piece => (value === null ? none : piece("plain", withCommas(value)));
	return table(
		[
			column("partition", 9, ({ partition }) => piece("plain", String(partition))),
			column("offset stored", 5, ({ durableOffset }) => number(durableOffset)),
			column("lag", 8, ({ lag, lagSeconds }) =>
				lag === null ? none : piece(lagTone(lag, lagSeconds), withCommas(lag)),
			),
			column("oldest", 7, ({ lagSeconds }) =>
				lagSeconds === null ? none : piece(lagTone(0, lagSeconds), seconds(lagSeconds)),
			),
			column("newest event (UTC)", 4, ({ newestEventMs }) =>
				newestEventMs === null ? none : piece("plain", utcTime(newestEventMs, nowMs)),
			),
			column("state", 9, stateOf, "left"),
		],
		columns,
	);
}

function stateOf({ state, haltReason, pausedReasons }: PartitionStatus): Piece {
	if (state === "halted") return piece("bad", `halted: ${printable(haltReason ?? "")}`);
	if (state !== "running") return piece("warn", PARTITION_WORDS[state]);
	const reasons = pauseWords(pausedReasons);
	return reasons.length === 0 ? piece("good", "running") : piece("busy", `paused: ${reasons.join(", ")}`);
}

function toneOf(state: PartitionStatus["state"]): Piece["tone"] {
	return state === "halted" ? "bad" : state === "running" ? "good" : "warn";
}
