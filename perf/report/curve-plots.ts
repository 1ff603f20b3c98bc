/** Curves that are no time series: one plot for all with the same axes. */
import type { Curve } from "../support/result.ts";
import type { Plot, Tone } from "./plot-model.ts";

const TONES: readonly Tone[] = ["blue", "orange", "green", "purple", "teal", "red", "gold", "grey"];
/** From this ratio of the greatest x to the least, an even axis would press most points together. */
const LOG_FROM_RATIO = 30;

export function curvePlots(curves: readonly Curve[]): Plot[] {
	const groups = new Map<string, Curve[]>();
	for (const curve of curves) {
		if (curve.points.length === 0) continue;
		const axes = JSON.stringify([curve.xLabel, curve.yLabel]);
		groups.set(axes, [...(groups.get(axes) ?? []), curve]);
	}
	return [...groups.values()].map((group) => {
		const { xLabel, yLabel } = group[0]!;
		const xs = group.flatMap(({ points }) => points.map(({ x }) => x));
		const least = xs.reduce((a, b) => Math.min(a, b));
		const most = xs.reduce((a, b) => Math.max(a, b));
		return {
			title: group.length === 1 ? group[0]!.name : `${yLabel} over ${xLabel}`,
			about: `${yLabel} over ${xLabel}.`,
			xAxis: least > 0 && most / least >= LOG_FROM_RATIO ? "log" : "linear",
			xLabel,
			unit: yLabel,
			stacked: false,
			limits: [],
			marks: [],
			series: group.map(({ name, points }, at) => ({
				name,
				tone: TONES[at % TONES.length]!,
				look: "dots" as const,
				points: points.toSorted((a, b) => a.x - b.x),
			})),
		};
	});
}
