/** Which sections are shown, and how large, on a terminal that has no room for all of them. Pure. */
import type { Line } from "./style.ts";

export interface Section {
	/** The smaller, the longer it stays. */
	readonly priority: number;
	/** A blank line is put before it when there is room. */
	readonly startsGroup?: boolean;
	/** Numbers of lines it can be drawn in, smallest first; none when it has nothing to say. */
	readonly sizes: readonly number[];
	/** @param lines one of `sizes` */
	draw(lines: number): readonly Line[];
}

/**
 * The lines of `sections`, in their order, at most `lines` of them: first every section as small as it can be, by
 * priority, then one step of growth each, by priority, for as long as something still fits.
 */
export function compose(sections: readonly Section[], lines: number): Line[] {
	const byPriority = [...sections].sort((a, b) => a.priority - b.priority);
	const steps = new Map<Section, number>();
	let left = lines;
	for (const section of byPriority) {
		const smallest = section.sizes[0];
		if (smallest === undefined || smallest > left) continue;
		steps.set(section, 0);
		left -= smallest;
	}
	for (let hasGrown = true; hasGrown; ) {
		hasGrown = false;
		for (const section of byPriority) {
			const step = steps.get(section);
			if (step === undefined) continue;
			const more = (section.sizes[step + 1] ?? Number.POSITIVE_INFINITY) - section.sizes[step]!;
			if (more > left) continue;
			steps.set(section, step + 1);
			left -= more;
			hasGrown = true;
		}
	}
	const shown = sections.filter((section) => steps.has(section));
	const groups = shown.filter(({ startsGroup }, index) => startsGroup && index > 0);
	const hasBlanks = groups.length <= left;
	return shown.flatMap((section): readonly Line[] => {
		const drawn = section.draw(section.sizes[steps.get(section)!]!);
		return hasBlanks && groups.includes(section) ? [[], ...drawn] : drawn;
	});
}

/**
 * Sizes of a table of `rows`: one line of summary, or titles with some rows and a line that tells of the others, or
 * everything.
 */
export function tableSizes(rows: number): number[] {
	const whole = rows + 1;
	if (rows === 0) return [1];
	const partly = Array.from({ length: Math.max(0, whole - TABLE_LINES_MIN) }, (_, i) => TABLE_LINES_MIN + i);
	return [1, ...partly, whole];
}

/** Titles, two rows, and how many more there are. */
const TABLE_LINES_MIN = 4;
