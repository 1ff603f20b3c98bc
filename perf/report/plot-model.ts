/** What a plot is made of, before anything is drawn. */

/** Colours of report/style.ts. */
export type Tone = "blue" | "orange" | "green" | "purple" | "red" | "teal" | "grey" | "gold";

export interface Series {
	readonly name: string;
	readonly tone: Tone;
	/** `area` is a line with its ground coloured; in a stacked plot all are areas. */
	readonly look: "line" | "dashed" | "area" | "dots";
	/** Ascending x; y null where nothing is known. */
	readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

export interface Plot {
	readonly title: string;
	/** What it shows and how to read it: a sentence. */
	readonly about: string;
	readonly xAxis: "time" | "linear" | "log";
	/** Empty for a time axis, which needs no name. */
	readonly xLabel: string;
	/** Unit of all values, as in result.ts. */
	readonly unit: string;
	readonly series: readonly Series[];
	/** Each series stands on those before it. They must share their x. */
	readonly stacked: boolean;
	/** Horizontal lines that something must stay below; drawn when values come near (see LIMIT_SHOWN_FROM). */
	readonly limits: readonly { readonly value: number; readonly text: string }[];
	/** Ascending. */
	readonly marks: readonly { readonly x: number; readonly text: string }[];
}

/** True when there is anything to draw. */
export function hasValues({ series }: Plot): boolean {
	return series.some(({ points }) => points.some(({ y }) => y !== null));
}

/** A series as it is drawn. */
export interface Stacked extends Series {
	/** What each point stands on; empty: the axis. */
	readonly floor: readonly number[];
}

/** A point is unknown in the whole stack as soon as one series does not know it: a sum of the rest would lie. */
export function stack(series: readonly Series[]): Stacked[] {
	const floor = (series[0]?.points ?? []).map(() => 0);
	const known = floor.map((_, at) => series.every(({ points }) => points[at]?.y != null));
	return series.map((one) => {
		const below = [...floor];
		const points = one.points.map(({ x, y }, at) => {
			if (!known[at]) return { x, y: null };
			floor[at] = below[at]! + y!;
			return { x, y: floor[at]! };
		});
		return { ...one, points, floor: below };
	});
}
