/**
 * A frame at the bottom of a terminal, with the log above it. Frames are drawn over the one before, in the normal screen
 * (what has scrolled away stays), line by line and only the lines that differ. The cursor stands below the frame and is
 * never hidden: however the process ends, the terminal is as it was.
 */
import { stripVTControlCharacters } from "node:util";
import type { Size } from "./frame.ts";
import type { Output } from "./output.ts";
import { widthOf } from "./text.ts";

const CSI = "\u001b[";
const ERASE_LINE_END = `${CSI}K`;
const ERASE_BELOW = `${CSI}J`;
/** A line that is wider than we think is cut by the terminal, and does not push the others down. */
const WRAP_OFF = `${CSI}?7l`;
const WRAP_ON = `${CSI}?7h`;
/** The carriage return is for terminals that a program has left without it. */
const NEXT_LINE = "\r\n";

export class Screen {
	readonly #out: Output;
	/** What stands above the cursor; empty when there is no frame. */
	#painted: readonly string[] = [];

	constructor(out: Output) {
		this.#out = out;
	}

	/** Draws a frame in place of the one before. Left out while the terminal takes nothing: the next one tells more. */
	paint(lines: readonly string[]): void {
		if (this.#out.isBlocked) return;
		const before = this.#painted;
		if (lines.length === before.length && lines.every((line, row) => line === before[row])) return;
		const rest = lines.length < before.length ? ERASE_BELOW : "";
		this.#out.send(`${WRAP_OFF}${up(before.length)}${changes(before, lines)}${rest}${WRAP_ON}`);
		this.#painted = lines;
	}

	/** Takes the frame away and writes `text` where it stood; whoever painted it paints it again. */
	print(text: string): void {
		const line = text.endsWith("\n") ? text : `${text}\n`;
		this.#out.send(`${this.#erase(this.#painted.length)}${line.replaceAll("\n", NEXT_LINE)}`);
		this.#painted = [];
	}

	/**
	 * The terminal has another size now. Most have moved what did not fit into further rows, so the frame is looked for
	 * there; it is taken away, and has to be painted again. Rows that have left the screen at its top are out of reach and
	 * stay in the history.
	 */
	resized({ columns, rows }: Size): void {
		const taken = this.#painted.reduce((sum, line) => {
			const width = widthOf(stripVTControlCharacters(line));
			return sum + Math.max(1, Math.ceil(width / Math.max(1, columns)));
		}, 0);
		this.#out.send(this.#erase(Math.min(taken, Math.max(0, rows - 1))));
		this.#painted = [];
	}

	/** Somebody else has written since: the next frame begins where the cursor is. */
	forget(): void {
		this.#painted = [];
	}

	clear(): void {
		this.#out.send(this.#erase(this.#painted.length));
		this.#painted = [];
	}

	#erase(rows: number): string {
		return this.#painted.length > 0 ? `${up(rows)}${ERASE_BELOW}` : "";
	}
}

/** From the first line of the frame to below its last one: what differs is written, the rest is stepped over. */
function changes(before: readonly string[], lines: readonly string[]): string {
	let drawn = "";
	let same = 0;
	for (const [row, line] of lines.entries()) {
		if (line === before[row]) {
			same++;
			continue;
		}
		drawn += `${down(same)}${line}${ERASE_LINE_END}${NEXT_LINE}`;
		same = 0;
	}
	return drawn + down(same);
}

function down(rows: number): string {
	return rows === 0 ? "" : `${CSI}${rows}B`;
}

/** To the first column, `rows` further up. */
function up(rows: number): string {
	return rows === 0 ? "\r" : `\r${CSI}${rows}A`;
}
