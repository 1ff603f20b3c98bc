/** One plot as inline SVG: axes, lines or stacked areas, limits, marks, and what is under the pointer. */
import { escapeText } from "./escape.ts";
import { type Frame, frameOf, gridOf, LABEL_ROW_PX, MARGIN } from "./frame.ts";
import { hoverOf } from "./hover.ts";
import { duration as inTime } from "./numbers.ts";
import { areaPath, linePath } from "./paths.ts";
import { type Plot, type Stacked, stack } from "./plot-model.ts";
import { pixel } from "./scale.ts";

/** An `<svg>` of a fixed coordinate width, to be shown at about that width: text keeps its size. */
export function drawPlot(plot: Plot, width: number, plotHeight: number): string {
	const series = plot.stacked ? stack(plot.series) : plot.series.map((one) => ({ ...one, floor: [] }));
	const frame = frameOf(plot, series, width, plotHeight);
	const parts = [
		gridOf(plot, frame),
		...series.map((one) => seriesOf(one, frame, plot.stacked)),
		...limitsOf(plot, frame),
		...marksOf(plot, frame),
		...hoverOf(plot, series, frame),
	];
	const label = escapeText(`${plot.title}: ${plot.series.map(({ name }) => name).join(", ")}`);
	return `<svg viewBox="0 0 ${width} ${frame.height}" role="img" aria-label="${label}">${parts.join("")}</svg>`;
}

function seriesOf(one: Stacked, { x, y }: Frame, stacked: boolean): string {
	const points = one.points.map((point) => ({
		x: x.at(point.x),
		y: point.y === null ? null : y.at(point.y),
	}));
	const floors = points.map((point, at) => ({ ...point, base: y.at(one.floor[at] ?? 0) }));
	if (stacked) return `<path class="stack ${one.tone}" d="${areaPath(floors)}"/>`;
	const line = `<path class="line ${one.look} ${one.tone}" d="${linePath(points)}"/>`;
	if (one.look === "area") return `<path class="ground ${one.tone}" d="${areaPath(floors)}"/>${line}`;
	if (one.look !== "dots") return line;
	const dots = points.flatMap((point) =>
		point.y === null
			? []
			: [`<circle class="dot ${one.tone}" cx="${pixel(point.x)}" cy="${pixel(point.y)}" r="3"/>`],
	);
	return line + dots.join("");
}

function limitsOf({ limits }: Plot, { y, width }: Frame): string[] {
	return limits
		.filter(({ value }) => value <= y.max)
		.map(({ value, text }) => {
			const at = y.at(value);
			const right = width - MARGIN.right;
			return `<path class="limit" d="M${MARGIN.left} ${pixel(at)}H${right}"/><text class="limit-text end" x="${right - 2}" y="${pixel(at - 4)}">${escapeText(text)}</text>`;
		});
}

function marksOf({ marks }: Plot, { x, y, top, placement }: Frame): string[] {
	return marks.map((mark, index) => {
		const label = placement.labels[index]!;
		const baseline = top - (placement.rows - label.row) * LABEL_ROW_PX + 9;
		const at = pixel(x.at(mark.x));
		const title = escapeText(`${inTime(mark.x)}: ${mark.text}`);
		return `<g class="mark"><title>${title}</title><path d="M${at} ${pixel(baseline - 9)}V${pixel(y.at(y.min))}"/><text x="${pixel(label.left)}" y="${pixel(baseline)}">${escapeText(label.text)}</text></g>`;
	});
}
