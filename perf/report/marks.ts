/** Where the labels of marks go, so that none covers another. */

/** Average width of a character of the labels at 11 px, in px: a guess on the wide side. */
const CHARACTER_PX = 6.6;
/** More rows than this would push the plot off a phone. */
const ROWS_MAX = 3;
/** Space between a label and its line, and between two labels, in px. */
const GAP_PX = 4;
const APART_PX = 10;

export interface PlacedLabel {
	/** Left end of the text, in px. */
	readonly left: number;
	readonly row: number;
	readonly text: string;
}

export interface Placement {
	readonly rows: number;
	/** In the order of the marks. */
	readonly labels: readonly PlacedLabel[];
	/** True when texts were too many: the labels are the marks' numbers, and the texts belong in a list. */
	readonly numbered: boolean;
}

/** Puts a label beside each mark's line, in the first row with room between `left` and `right`. */
export function placeLabels(
	marks: readonly { readonly x: number; readonly text: string }[],
	left: number,
	right: number,
): Placement {
	const texts = place(marks, left, right, ROWS_MAX);
	if (texts !== null) return { ...texts, numbered: false };
	const numbers = marks.map(({ x }, index) => ({ x, text: `${index + 1}` }));
	// Numbers get as many rows as they need: they are small, and a missing one would be worse.
	return { ...place(numbers, left, right, marks.length)!, numbered: true };
}

function place(
	marks: readonly { readonly x: number; readonly text: string }[],
	left: number,
	right: number,
	rowsMax: number,
): { rows: number; labels: PlacedLabel[] } | null {
	const ends: number[] = [];
	const labels: PlacedLabel[] = [];
	for (const { x, text } of marks) {
		const width = text.length * CHARACTER_PX;
		if (width > right - left) return null;
		// Behind its line, or moved in from the right edge.
		const start = Math.max(left, Math.min(x + GAP_PX, right - width));
		let row = ends.findIndex((end) => end + APART_PX <= start);
		if (row === -1) row = ends.length;
		if (row >= rowsMax) return null;
		ends[row] = start + width;
		labels.push({ left: start, row, text });
	}
	return { rows: ends.length, labels };
}
