/** Tables whose rows stay where they are while their figures change. */
import { el, reconcile, setAttribute, setText } from "./dom.js";

/**
 * @param {HTMLElement} place
 * @param {{ caption: string, empty: string, columns: { name: string, class?: string, title?: string }[] }} options
 *   `class`: `text` (left) or `number`; `wide` leaves the column out on a narrow screen
 */
export function table(place, { caption, empty, columns }) {
	const body = el("tbody");
	const head = el(
		"tr",
		{},
		...columns.map(({ name, class: kind = "number", title }) =>
			el("th", { scope: "col", class: kind, ...(title === undefined ? {} : { title }) }, name),
		),
	);
	const whole = el(
		"table",
		{},
		el("caption", { class: "visually-hidden" }, caption),
		el("thead", {}, head),
		body,
	);
	const nothing = el("p", { class: "empty" }, empty);
	place.append(whole, nothing);

	return {
		body,
		/**
		 * @template T
		 * @param {readonly T[]} items
		 * @param {(item: T) => string} keyOf
		 * @param {(cells: HTMLElement[], item: T, row: HTMLElement) => void} update
		 */
		set(items, keyOf, update) {
			whole.hidden = items.length === 0;
			nothing.hidden = items.length > 0;
			reconcile(
				body,
				items,
				keyOf,
				() => rowOf(columns),
				(row, item) => update([...row.children], item, row),
			);
		},
		say(text) {
			setText(nothing, text);
		},
	};
}

function rowOf(columns) {
	return el(
		"tr",
		{},
		...columns.map(({ class: kind = "number" }, i) =>
			i === 0 ? el("th", { scope: "row", class: kind }) : el("td", { class: kind }),
		),
	);
}

/** @param {HTMLElement} cell */
export function cellText(cell, text, title = null) {
	setText(cell, text);
	setAttribute(cell, "title", title);
}
