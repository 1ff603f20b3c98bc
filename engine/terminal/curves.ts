/** Bars and curves of characters. */
import type { Glyphs } from "./style.ts";

/** A bar of `columns` characters, filled to `share`; what is not nothing is seen, what is not full is not full. */
export function bar(share: number, columns: number, { barFull, barEmpty }: Glyphs): string {
	const least = share > 0 ? 1 : 0;
	const most = share < 1 ? columns - 1 : columns;
	const full = Math.min(most, Math.max(least, Math.round(share * columns)));
	return barFull.repeat(full) + barEmpty.repeat(columns - full);
}

/** The newest `columns` values as steps up to the largest of them; a blank where a value is not known. */
export function curve(values: readonly (number | null)[], columns: number, { steps }: Glyphs): string {
	const shown = columns <= 0 ? [] : values.slice(-columns);
	const largest = Math.max(0, ...shown.map((value) => value ?? 0));
	return shown
		.map((value) => {
			if (value === null) return " ";
			const step = largest === 0 ? 0 : Math.ceil((value / largest) * (steps.length - 1));
			return steps[step]!;
		})
		.join("");
}
