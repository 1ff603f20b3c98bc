/**
 * A terminal for tests: what a person would see of the bytes a program has sent. It knows what the view uses, and refuses
 * every other sequence, so that one that slips through fails the test.
 */
import { widthOf } from "../../engine/terminal/text.ts";

const ESCAPE = "\u001b";
const SEQUENCE = new RegExp(`^${ESCAPE}\\[(\\??[0-9;]*)([A-Za-z])`);
/** The end of a piece may lie within a sequence; none of the view's is longer. */
const SEQUENCE_LENGTH_MAX = 8;

export class ScreenReader {
	/** Sequences that set a colour so far. */
	colours = 0;
	/** Sequences of any kind so far. */
	sequences = 0;
	/** Whether what is wider than the terminal goes on in the next row. */
	wraps = true;
	/** Everything, scrolled away or not. */
	#lines: string[] = [""];
	#row = 0;
	#column = 0;
	#rest = "";
	#columns: number;
	#rows: number;

	constructor(columns: number, rows: number) {
		this.#columns = columns;
		this.#rows = rows;
	}

	/** From the first line ever to that of the cursor or the last one with text, without blanks at their ends. */
	get lines(): string[] {
		const shown = this.#lines.map((line) => line.trimEnd());
		while (shown.length > this.#row + 1 && shown.at(-1) === "") shown.pop();
		return shown;
	}

	/** Its line among `lines`, and its column, from 0. */
	get cursor(): { readonly line: number; readonly column: number } {
		return { line: this.#row, column: this.#column };
	}

	/** @throws Error at a control character or sequence that the view does not use */
	write(text: string): void {
		for (let rest = this.#rest + text; ; ) {
			const end = rest.search(/\p{Cc}/u);
			this.#print(end < 0 ? rest : rest.slice(0, end));
			if (end < 0) {
				this.#rest = "";
				return;
			}
			rest = rest.slice(end);
			const [whole, value, command] = SEQUENCE.exec(rest) ?? [];
			if (whole !== undefined) this.#obey(value!, command!);
			else if (!rest.startsWith(ESCAPE)) this.#move(rest[0]!);
			else if (rest.length < SEQUENCE_LENGTH_MAX) {
				this.#rest = rest;
				return;
			} else
				throw new Error(`no sequence of the view: ${JSON.stringify(rest.slice(0, SEQUENCE_LENGTH_MAX))}`);
			rest = rest.slice(whole?.length ?? 1);
		}
	}

	/** As most terminals do it: a line that does not fit any more goes on in further rows. */
	resize(columns: number, rows: number): void {
		const piecesOf = (line: string) => Math.max(1, Math.ceil(line.length / columns));
		const before = this.#lines;
		this.#row = before.slice(0, this.#row).reduce((sum, line) => sum + piecesOf(line), 0);
		this.#lines = before.flatMap((line) =>
			Array.from({ length: piecesOf(line) }, (_, piece) =>
				line.slice(piece * columns, (piece + 1) * columns),
			),
		);
		this.#columns = columns;
		this.#rows = rows;
	}

	#print(text: string): void {
		for (const character of text) {
			const width = widthOf(character);
			if (this.#column + width > this.#columns) {
				if (!this.wraps) continue;
				this.#move("\r");
				this.#move("\n");
			}
			const line = this.#lines[this.#row]!.padEnd(this.#column);
			this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
			this.#column += width;
		}
	}

	#move(control: string): void {
		if (control === "\r") this.#column = 0;
		else if (control === "\n") {
			this.#row++;
			if (this.#row === this.#lines.length) this.#lines.push("");
		} else throw new Error(`a control character: ${JSON.stringify(control)}`);
	}

	#obey(value: string, command: string): void {
		this.sequences++;
		const count = value === "" ? 1 : Number(value);
		/** What has scrolled away is out of the cursor's reach. */
		const top = Math.max(0, this.#lines.length - this.#rows);
		if (command === "m") this.colours++;
		else if (command === "A") this.#row = Math.max(top, this.#row - count);
		else if (command === "B") this.#row = Math.min(this.#lines.length - 1, this.#row + count);
		else if (command === "K") this.#lines[this.#row] = this.#lines[this.#row]!.slice(0, this.#column);
		else if (command === "J") {
			this.#lines[this.#row] = this.#lines[this.#row]!.slice(0, this.#column);
			for (let row = this.#row + 1; row < this.#lines.length; row++) this.#lines[row] = "";
		} else if (value === "?7") this.wraps = command === "h";
		else throw new Error(`no sequence of the view: ${value}${command}`);
	}
}
