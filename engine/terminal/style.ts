/** How a frame looks: colours by meaning, the characters for bars and curves, and lines made of coloured pieces. */
import { styleText } from "node:util";
import { cut, widthOf } from "./text.ts";

/** What a piece of text means; never the only bearer of the meaning, since `NO_COLOR` takes it away. */
export type Tone = "good" | "warn" | "bad" | "busy" | "dim" | "strong" | "plain";

export interface Piece {
	readonly text: string;
	readonly tone: Tone;
}

/** A line of the frame: what it says, left to right. Texts hold no escape sequences. */
export type Line = readonly (string | Piece)[];

export interface Glyphs {
	readonly ellipsis: string;
	readonly separator: string;
	readonly dot: string;
	readonly arrow: string;
	readonly none: string;
	readonly barFull: string;
	readonly barEmpty: string;
	/** From nothing to the most. */
	readonly steps: string;
}

export interface Style {
	readonly hasColors: boolean;
	readonly glyphs: Glyphs;
}

const UNICODE: Glyphs = {
	ellipsis: "…",
	separator: " · ",
	dot: "●",
	arrow: "→",
	none: "–",
	barFull: "█",
	barEmpty: "░",
	steps: "▁▂▃▄▅▆▇█",
};

/** The font of a Linux console has neither eighths nor an ellipsis. */
const ASCII: Glyphs = {
	ellipsis: "...",
	separator: " | ",
	dot: "*",
	arrow: "->",
	none: "-",
	barFull: "#",
	barEmpty: ".",
	steps: "_.:-=+*#",
};

type Color = Parameters<typeof styleText>[0];

const COLORS: Readonly<Record<Tone, Color | null>> = {
	good: "green",
	warn: "yellow",
	bad: ["bold", "red"],
	busy: "cyan",
	dim: "dim",
	strong: "bold",
	plain: null,
};

/** @param env `NO_COLOR` (when not empty) takes colours away, `TERM=linux` all but ASCII */
export function styleFor(env: NodeJS.ProcessEnv): Style {
	return { hasColors: !env["NO_COLOR"], glyphs: env["TERM"] === "linux" ? ASCII : UNICODE };
}

export function piece(tone: Tone, text: string): Piece {
	return { tone, text };
}

/** The line as it is sent: cut to `columns`, coloured, without blanks at its end. */
export function render(line: Line, columns: number, { hasColors, glyphs }: Style): string {
	const pieces = withoutTrailingBlanks(line);
	const width = pieces.reduce((sum, { text }) => sum + widthOf(text), 0);
	let left = width <= columns ? columns : columns - widthOf(glyphs.ellipsis);
	let rendered = "";
	for (const { text, tone } of pieces) {
		const kept = cut(text, left);
		const shown = kept === text ? text : `${kept}${glyphs.ellipsis}`;
		const color = COLORS[tone];
		// Whether stdout is a terminal, which styleText would ask, says nothing about stderr.
		rendered += hasColors && color !== null ? styleText(color, shown, { validateStream: false }) : shown;
		if (kept !== text) break;
		left -= widthOf(text);
	}
	return rendered;
}

function withoutTrailingBlanks(line: Line): Piece[] {
	const pieces = line.map((part) => (typeof part === "string" ? piece("plain", part) : part));
	while (pieces.length > 0) {
		const last = pieces.pop()!;
		const text = last.text.trimEnd();
		if (text !== "") return [...pieces, { ...last, text }];
	}
	return [];
}
