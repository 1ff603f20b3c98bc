/** SVG paths of lines and stacked areas that keep their gaps. */
import { pixel } from "./scale.ts";

/** A value at a place, in pixels; null where nothing is known. */
export interface PathPoint {
	readonly x: number;
	readonly y: number | null;
}

/** Runs of known points. What is unknown is a hole in the line, never a straight line across it. */
export function knownRuns<T extends { readonly y: unknown }>(points: readonly T[]): T[][] {
	const runs: T[][] = [];
	let open = false;
	for (const point of points) {
		const known = point.y !== null && point.y !== undefined;
		if (known && !open) runs.push([]);
		if (known) runs.at(-1)!.push(point);
		open = known;
	}
	return runs;
}

/** `d` of a line. A point alone gets a stroke of no length, which round ends draw as a dot. */
export function linePath(points: readonly PathPoint[]): string {
	return knownRuns(points)
		.map((run) => {
			const [first, ...rest] = run.map(({ x, y }) => `${pixel(x)} ${pixel(y!)}`);
			return `M${first}${rest.length === 0 ? "h0" : `L${rest.join(" ")}`}`;
		})
		.join("");
}

/** `d` of the area between a line and the one below it. A point alone becomes a bar of two pixels. */
export function areaPath(
	points: readonly { readonly x: number; readonly y: number | null; readonly base: number }[],
): string {
	return knownRuns(points)
		.map((run) => {
			const wide = run.length > 1 ? run : [-1, 1].map((aside) => ({ ...run[0]!, x: run[0]!.x + aside }));
			const top = wide.map(({ x, y }) => `${pixel(x)} ${pixel(y!)}`);
			const bottom = wide.toReversed().map(({ x, base }) => `${pixel(x)} ${pixel(base)}`);
			return `M${top.join(" ")} ${bottom.join(" ")}z`;
		})
		.join("");
}
