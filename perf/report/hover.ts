/** What is under the pointer: values as titles, which need no script. */
import { escapeText } from "./escape.ts";
import { type Frame, MARGIN } from "./frame.ts";
import { exactNumber, duration as inTime, withUnit } from "./numbers.ts";
import type { Plot, Series } from "./plot-model.ts";
import { pixel } from "./scale.ts";

/** Places the pointer can stop at, per plot. More only make the file large. */
const HOVER_PLACES_MAX = 120;

/** Invisible columns: the one under the pointer shows a line, dots on the series, and their values as its title. */
export function hoverOf(plot: Plot, drawn: readonly Series[], { x, y, top, width }: Frame): string[] {
	const places = thinned(
		[...new Set(drawn.flatMap(({ points }) => points.map((point) => point.x)))].sort((a, b) => a - b),
	);
	const indexes = drawn.map(({ points }) => new Map(points.map((point, at) => [point.x, at])));
	const floor = y.at(y.min);
	return places.map((place, index) => {
		const at = x.at(place);
		const from = index === 0 ? MARGIN.left : (x.at(places[index - 1]!) + at) / 2;
		const to = index === places.length - 1 ? width - MARGIN.right : (at + x.at(places[index + 1]!)) / 2;
		const values: string[] = [];
		const dots: string[] = [];
		for (const [number, { name, tone, points }] of drawn.entries()) {
			const pointAt = indexes[number]!.get(place);
			const value = pointAt === undefined ? null : points[pointAt]!.y;
			if (value === null || pointAt === undefined) continue;
			values.push(`${name}: ${withUnit(plot.series[number]!.points[pointAt]!.y!, plot.unit)}`);
			dots.push(`<circle class="dot ${tone}" cx="${pixel(at)}" cy="${pixel(y.at(value))}" r="3"/>`);
		}
		const where = plot.xAxis === "time" ? inTime(place) : `${exactNumber(place)} ${plot.xLabel}`;
		const title = escapeText([where, ...(values.length === 0 ? ["unknown"] : values)].join("\n"));
		return `<g class="hover"><title>${title}</title><rect x="${pixel(from)}" y="${pixel(top)}" width="${pixel(Math.max(0.1, to - from))}" height="${pixel(floor - top)}"/><g><path d="M${pixel(at)} ${pixel(top)}V${pixel(floor)}"/>${dots.join("")}</g></g>`;
	});
}

function thinned(places: readonly number[]): number[] {
	const stride = Math.ceil(places.length / HOVER_PLACES_MAX);
	return places.filter((_, index) => index % stride === 0);
}
