/** uPlot, in the page's colours, as wide as its place, with a legend that is text. */
import { el, setText } from "./dom.js";
import { clock } from "./format.js";

/** @type {any} set by /page/uplot.js */
const uPlot = globalThis.uPlot;
const HEIGHT_PX = 150;
/** uPlot takes a single point for a whole day. */
const POINTS_MIN = 2;
const AXIS_FONT = "11px system-ui, sans-serif";
const UTC = (/** @type {number} */ seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");

/** Every chart that there is, to be drawn again when the scheme changes. @type {Set<() => void>} */
const redraws = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
	for (const redraw of redraws) redraw();
});

function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * @param {HTMLElement} place
 * @param {{ title: string, series: { label: string, colour: string, kind?: "line" | "area" | "bars" | "points" }[],
 *   axis: (value: number) => string, legend?: (value: number) => string, xRange?: (min: number, max: number) => [number, number],
 *   when: (seconds: number) => string, heightPx?: number }} options
 * @returns {{ set(data: (number | null)[][]): void }} times in seconds, then the values of each series
 */
export function chart(place, options) {
	const { title, series, axis, legend = axis, when, heightPx = HEIGHT_PX } = options;
	const values = series.map(() => el("b", {}));
	const time = el("span", { class: "when" });
	const heading = el("h3", {}, title);
	const keys = series.map(({ label, colour: name }, i) =>
		el(
			"span",
			{ class: "series" },
			el("i", { class: `swatch swatch-${name}`, "aria-hidden": "true" }),
			`${label} `,
			values[i],
		),
	);
	const canvas = el("div", { class: "plot", "aria-hidden": "true" });
	const empty = el("p", { class: "empty" }, "Nothing to draw yet");
	canvas.style.height = empty.style.height = `${heightPx}px`;
	place.append(
		el("div", { class: "chart-head" }, heading, time),
		el("div", { class: "chart-legend" }, ...keys),
		canvas,
		empty,
	);

	/** @type {(number | null)[][]} */
	let data = [[], ...series.map(() => [])];
	let plot = null;

	function tell(index) {
		const at = index ?? lastKnown(data);
		setText(time, index === null || index === undefined ? "" : when(data[0][at]));
		for (const [i, value] of values.entries()) {
			const shown = at < 0 ? null : data[i + 1][at];
			setText(value, shown === null || shown === undefined ? "–" : legend(shown));
		}
	}

	function draw() {
		plot?.destroy();
		plot = new uPlot(
			{
				width: Math.max(120, canvas.clientWidth),
				height: heightPx,
				tzDate: UTC,
				padding: [8, 4, 0, 0],
				legend: { show: false },
				cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
				scales: {
					x: { range: (_plot, min, max) => options.xRange?.(min, max) ?? [min, max] },
					y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
				},
				axes: [
					axisOf({
						size: 26,
						space: 52,
						values: (_plot, splits) => splits.map((seconds) => moment(seconds, splits)),
					}),
					axisOf({ size: 48, space: 32, values: (_plot, splits) => splits.map(axis) }),
				],
				series: [{}, ...series.map(seriesOf)],
				hooks: { setCursor: [(self) => tell(self.cursor.idx)] },
			},
			data,
			canvas,
		);
	}

	new ResizeObserver(() =>
		plot?.setSize({ width: Math.max(120, canvas.clientWidth), height: heightPx }),
	).observe(canvas);
	redraws.add(() => {
		if (plot !== null) draw();
	});

	return {
		set(next) {
			data = next;
			const isEmpty =
				data[0].length < POINTS_MIN ||
				data.slice(1).every((column) => column.every((value) => value === null));
			empty.hidden = !isEmpty;
			canvas.hidden = isEmpty;
			if (!isEmpty && plot === null) draw();
			else if (!isEmpty) plot.setData(data);
			tell(plot?.cursor.idx);
		},
	};
}

/** The legend of a chart nobody points at says the newest values. */
function lastKnown(data) {
	for (let i = data[0].length - 1; i >= 0; i--)
		if (data.slice(1).some((column) => column[i] !== null)) return i;
	return -1;
}

/** With seconds where the marks are closer than a minute. */
function moment(seconds, splits) {
	const text = clock(seconds * 1000);
	return splits.length > 1 && splits[1] - splits[0] < 60 ? text : text.slice(0, 5);
}

function axisOf(more) {
	return {
		stroke: () => colour("text-soft"),
		font: AXIS_FONT,
		grid: { stroke: () => colour("grid"), width: 1 },
		ticks: { show: false },
		gap: 6,
		...more,
	};
}

function seriesOf({ colour: name, kind = "line" }) {
	const stroke = () => colour(name);
	if (kind === "bars")
		return {
			stroke,
			width: 0,
			fill: stroke,
			paths: uPlot.paths.bars({ size: [0.7, 28], radius: 0.15 }),
			points: { show: false },
		};
	if (kind === "points")
		return { stroke, paths: () => null, points: { show: true, size: 8, fill: stroke, stroke, width: 0 } };
	return {
		stroke,
		width: 1.75,
		points: { show: false },
		...(kind === "area" ? { fill: () => colour(`${name}-soft`) } : {}),
	};
}
