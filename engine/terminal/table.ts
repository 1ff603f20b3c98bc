/** Columns side by side, as many as fit. */
import { type Line, type Piece, piece } from "./style.ts";
import { padEnd, padStart, widthOf } from "./text.ts";

export interface Column {
	readonly title: string;
	readonly align: "left" | "right";
	/** Columns of the lowest importance are left out first when it is narrow. */
	readonly importance: number;
	/** A cell a row. */
	readonly cells: readonly Piece[];
}

const GAP = "  ";

/** The titles, then a line for each row; the last column is cut rather than left out. */
export function table(columns: readonly Column[], width: number): Line[] {
	const shown = whatFits(columns, width);
	const rows = Math.max(0, ...shown.map(({ cells }) => cells.length));
	const line = (cellOf: (column: Column) => Piece): Line =>
		shown.flatMap((column, index) => {
			const cell = cellOf(column);
			const pad = column.align === "left" ? padEnd : padStart;
			return [index === 0 ? "" : GAP, { ...cell, text: pad(cell.text, widthOfColumn(column)) }];
		});
	return [
		line(({ title }) => piece("dim", title)),
		...Array.from({ length: rows }, (_, row) => line(({ cells }) => cells[row] ?? piece("plain", ""))),
	];
}

function whatFits(columns: readonly Column[], width: number): readonly Column[] {
	let shown = columns;
	while (shown.length > 2 && widthOfAll(shown) > width) {
		const last = shown.at(-1);
		const least = Math.min(...shown.filter((one) => one !== last).map(({ importance }) => importance));
		shown = shown.filter((one) => one === last || one.importance !== least);
	}
	return shown;
}

/** Of the last column only the title is counted: its cells may be cut. */
function widthOfAll(columns: readonly Column[]): number {
	return columns.reduce((sum, column, index) => {
		const isLast = index === columns.length - 1;
		return sum + GAP.length + (isLast ? LAST_COLUMN_MIN : widthOfColumn(column));
	}, -GAP.length);
}

/** Enough for `being claimed` and the beginning of a reason. */
const LAST_COLUMN_MIN = 16;

function widthOfColumn({ title, cells }: Column): number {
	return Math.max(widthOf(title), ...cells.map(({ text }) => widthOf(text)));
}
