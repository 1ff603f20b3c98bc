/** Does something grow? The slope of a straight line through samples by least squares. */

export interface TrendPoint {
	readonly x: number;
	readonly y: number;
}

export interface Trend {
	/** Per unit of x. */
	readonly slope: number;
	/** Of the values. */
	readonly mean: number;
	/** By the line, from the first x to the last: what it grew in the time that was watched. */
	readonly growth: number;
}

/** Null with fewer than two different x. */
export function trendOf(points: readonly TrendPoint[]): Trend | null {
	if (points.length < 2) return null;
	const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
	const xs = points.map(({ x }) => x);
	const meanX = mean(xs);
	const meanY = mean(points.map(({ y }) => y));
	let covariance = 0;
	let variance = 0;
	for (const { x, y } of points) {
		covariance += (x - meanX) * (y - meanY);
		variance += (x - meanX) ** 2;
	}
	if (variance === 0) return null;
	const slope = covariance / variance;
	const extent = xs.reduce((a, b) => Math.max(a, b)) - xs.reduce((a, b) => Math.min(a, b));
	return { slope, mean: meanY, growth: slope * extent };
}

/**
 * The least value of each stretch of x: memory of a collected heap goes up and down all the time, and only what is left
 * after each collection says whether it grows.
 */
export function floorOf(points: readonly TrendPoint[], stretch: number): TrendPoint[] {
	const end = points.reduce((most, { x }) => Math.max(most, x), 0);
	// The very last point would be a stretch of its own, and no floor of anything.
	const last = Math.max(0, Math.ceil(end / stretch) - 1);
	const least = new Map<number, TrendPoint>();
	for (const point of points) {
		const at = Math.min(last, Math.floor(point.x / stretch));
		const known = least.get(at);
		if (known === undefined || point.y < known.y) least.set(at, point);
	}
	return [...least.values()];
}
