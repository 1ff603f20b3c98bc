/** Whether the engine is well, and if not, why: the line that stays when there is room for one only. Pure. */
import type { Section } from "./compose.ts";
import { printable } from "./printable.ts";
import { type Line, piece, type Tone } from "./style.ts";
import { cut } from "./text.ts";
import type { View } from "./view.ts";
import { plural, STATE_WORDS } from "./words.ts";

/** A Postgres error with its context can be a page long. */
const REASON_LINES_MAX = 6;

export function health({ status, style, columns }: View): Section {
	const { dot, ellipsis, separator } = style.glyphs;
	const { state, notReady, totals } = status;
	if (notReady.length === 0) {
		const past = [
			`${plural(totals.stored, "event")} stored`,
			totals.recoveries > 0 ? `recovered ${plural(totals.recoveries, "time")}` : "",
			totals.rebalances > 1 ? `rebalanced ${plural(totals.rebalances, "time")}` : "",
		].filter((text) => text !== "");
		const line: Line = [
			piece(state === "running" ? "good" : "warn", `${dot} ${STATE_WORDS[state]}`),
			...past.map((text) => `${separator}${text}`),
		];
		return { priority: 1, sizes: [1], draw: () => [line] };
	}
	const tone: Tone = state === "running" || state === "failed" ? "bad" : "warn";
	const room = columns - 2;
	const [first = "", ...others] = notReady.map(printable);
	const lines = [`not ready: ${first}`, ...others]
		.flatMap((reason) => wrap(reason, room))
		.map((text, index): Line => [piece(tone, `${index === 0 ? dot : " "} ${text}`)]);
	const whole = Math.min(lines.length, REASON_LINES_MAX);
	return {
		priority: 1,
		sizes: Array.from({ length: whole }, (_, index) => index + 1),
		draw: (count) =>
			count === lines.length
				? lines
				: lines
						.map((line, index) => (index === count - 1 ? [...line, ` ${ellipsis}`] : line))
						.slice(0, count),
	};
}

/** Lines of at most `columns`, broken at blanks where there are any. */
function wrap(text: string, columns: number): string[] {
	const lines: string[] = [];
	for (let rest = text; rest !== ""; ) {
		const fitting = cut(rest, Math.max(1, columns)) || rest.slice(0, 1);
		const blank = fitting === rest ? -1 : fitting.lastIndexOf(" ");
		const end = blank > 0 ? blank : fitting.length;
		lines.push(rest.slice(0, end));
		rest = rest.slice(end).trimStart();
	}
	return lines;
}
