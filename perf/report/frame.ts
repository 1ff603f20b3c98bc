/** The axes of a plot: how far they go, where their ticks are, and how much room the labels of marks need. */
import { escapeText } from "./escape.ts";
import { type Placement, placeLabels } from "./marks.ts";
import { bytes as inBytes, duration as inTime, shortNumber } from "./numbers.ts";
import type { Plot, Series } from "./plot-model.ts";
import { linearScale, logScale, pixel, type Scale } from "./scale.ts";
import { byteTicks, logTicks, niceTicks, timeTicks } from "./ticks.ts";

export const MARGIN = { left: 50, right: 10, top: 22, bottom: 24 };
export const LABEL_ROW_PX = 14;
/** A limit far above all values would press them to the floor. */
const LIMIT_SHOWN_FROM = 0.4;
/** Space above the greatest value, as a factor. */
const HEADROOM = 1.08;
/** Width that a tick's label needs, in px. */
const TICK_X_PX = 60;
const TICK_Y_PX = 38;

export interface Frame {
	readonly width: number;
	readonly height: number;
	readonly x: Scale;
	readonly y: Scale;
	readonly xTicks: readonly number[];
	readonly yTicks: readonly number[];
	readonly top: number;
	readonly placement: Placement;
}

export function frameOf(plot: Plot, series: readonly Series[], width: number, plotHeight: number): Frame {
	const points = series.flatMap((one) => one.points);
	const xs = [...points.map(({ x }) => x), ...plot.marks.map(({ x }) => x)].filter(
		(x) => plot.xAxis !== "log" || x > 0,
	);
	let xMin = xs.reduce((least, x) => Math.min(least, x), Number.POSITIVE_INFINITY);
	let xMax = xs.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
	if (xs.length === 0) [xMin, xMax] = plot.xAxis === "log" ? [1, 10] : [0, 1];
	// One sample is drawn in the middle of an axis around it.
	else if (xMin === xMax)
		[xMin, xMax] = plot.xAxis === "log" ? [xMin / 2, xMin * 2] : [xMin - 0.5, xMax + 0.5];
	const values = points.flatMap(({ y }) => (y === null || !Number.isFinite(y) ? [] : [y]));
	const yLow = values.reduce((least, y) => Math.min(least, y), 0);
	const yHigh = values.reduce((most, y) => Math.max(most, y), 0);
	const limits = plot.limits.filter(({ value }) => yHigh >= value * LIMIT_SHOWN_FROM);
	const top = limits.reduce((most, { value }) => Math.max(most, value * 1.05), yHigh);
	const yCount = Math.max(2, Math.floor(plotHeight / TICK_Y_PX));
	const yTicks = (plot.unit === "bytes" ? byteTicks : niceTicks)(yLow, top, yCount);
	// The axis ends above the greatest value, at a tick only where one is near: else half a plot may stay empty.
	const yMax = Math.min(yTicks.at(-1)!, top === 0 ? 1 : top * HEADROOM);
	while (yTicks.at(-1)! > yMax) yTicks.pop();
	const left = MARGIN.left;
	const right = width - MARGIN.right;
	const xCount = Math.max(2, Math.floor((right - left) / TICK_X_PX));
	const x = (plot.xAxis === "log" ? logScale : linearScale)(xMin, xMax, left, right);
	const xTicks =
		ownTicks(plot, series, x) ??
		(plot.xAxis === "log" ? logTicks : plot.xAxis === "time" ? timeTicks : withinTicks)(xMin, xMax, xCount);
	const placement = placeLabels(
		plot.marks.map((mark) => ({ x: x.at(mark.x), text: mark.text })),
		left,
		right,
	);
	const floorY = MARGIN.top + placement.rows * LABEL_ROW_PX + plotHeight;
	const y = linearScale(yTicks[0]!, yMax, floorY, floorY - plotHeight);
	const height = floorY + MARGIN.bottom + (plot.xLabel === "" ? 0 : LABEL_ROW_PX);
	return { width, height, x, y, xTicks, yTicks, top: floorY - plotHeight, placement };
}

/** Where few points were measured, they are the ticks: nobody ran it with 20 partitions. Null when labels would collide. */
function ownTicks(plot: Plot, series: readonly Series[], x: Scale): number[] | null {
	if (plot.xAxis === "time" || series.some(({ look }) => look !== "dots")) return null;
	const places = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))].sort(
		(a, b) => a - b,
	);
	const crowded = places.some((place, at) => at > 0 && x.at(place) - x.at(places[at - 1]!) < TICK_X_PX / 2);
	return crowded ? null : places;
}

function withinTicks(min: number, max: number, count: number): number[] {
	return niceTicks(min, max, count).filter((tick) => tick >= min && tick <= max);
}

export function gridOf(plot: Plot, { x, y, xTicks, yTicks, width, height, top, placement }: Frame): string {
	const floor = y.at(y.min);
	const right = width - MARGIN.right;
	const rows = yTicks.map((tick) => {
		const at = pixel(y.at(tick));
		const text = escapeText(plot.unit === "bytes" ? inBytes(tick) : shortNumber(tick));
		return `<path class="grid" d="M${MARGIN.left} ${at}H${right}"/><text class="tick end" x="${MARGIN.left - 6}" y="${pixel(y.at(tick) + 4)}">${text}</text>`;
	});
	const columns = xTicks.map((tick) => {
		const at = x.at(tick);
		// A label at the very end of the axis would leave the picture.
		const anchor = at > right - 16 ? "end" : "middle";
		const text = escapeText(plot.xAxis === "time" ? inTime(tick) : shortNumber(tick));
		return `<path class="axis" d="M${pixel(at)} ${pixel(floor)}v4"/><text class="tick ${anchor}" x="${pixel(at)}" y="${pixel(floor + 16)}">${text}</text>`;
	});
	const unit = plot.unit === "bytes" || plot.unit === "count" ? "" : plot.unit;
	const unitText = `<text class="tick" x="0" y="${pixel(top - placement.rows * LABEL_ROW_PX - 10)}">${escapeText(unit)}</text>`;
	const xText =
		plot.xLabel === ""
			? ""
			: `<text class="tick middle" x="${pixel((MARGIN.left + right) / 2)}" y="${height - 4}">${escapeText(plot.xLabel)}</text>`;
	return `${rows.join("")}<path class="axis" d="M${MARGIN.left} ${pixel(floor)}H${right}"/>${columns.join("")}${unitText}${xText}`;
}
