/** The plots over time that the samples of a run allow, in the order a reader wants them. */
import type { Mark, Sample } from "../support/result.ts";
import { CPU_PARTS, coresOverTime } from "./cpu.ts";
import { hasValues, type Plot, type Series } from "./plot-model.ts";
import { ratesOf, rateWindowSeconds } from "./rates.ts";

/** What the engine promises to stay below. */
const MEMORY_LIMIT_BYTES = 512 * 2 ** 20;

/** Plots that have something to show. */
export function timePlots(samples: readonly Sample[], marks: readonly Mark[], cores: number): Plot[] {
	const sorted = marks.toSorted((a, b) => a.atSeconds - b.atSeconds);
	const shared = {
		xAxis: "time",
		xLabel: "",
		stacked: false,
		limits: [],
		marks: sorted.map(({ atSeconds, text }) => ({ x: atSeconds, text })),
	} as const;
	const window = rateWindowSeconds(samples.map(({ atSeconds }) => atSeconds));
	const values = (pick: (sample: Sample) => number | null) =>
		samples.map((sample) => ({ x: sample.atSeconds, y: pick(sample) }));
	const rates = (pick: (sample: Sample) => number | null) =>
		ratesOf(
			samples.map((sample) => ({ atSeconds: sample.atSeconds, count: pick(sample) })),
			window,
		);
	const plots: Plot[] = [
		{
			...shared,
			title: "Throughput",
			about: `Events committed per second, over the ${seconds(window)} before each moment.`,
			unit: "events/s",
			series: known([
				{
					name: "committed (Postgres)",
					tone: "blue",
					look: "area",
					points: rates(({ committed }) => committed),
				},
				{
					name: "committed (engine's metrics)",
					tone: "purple",
					look: "dashed",
					points: rates(({ engineCommitted }) => engineCommitted),
				},
				{ name: "sent", tone: "green", look: "line", points: growing(rates(({ sent }) => sent)) },
			]),
		},
		{
			...shared,
			title: "Lag",
			about: "Events that are in Kafka but not yet committed in Postgres.",
			unit: "events",
			series: known([
				{
					name: "sent less committed (Postgres)",
					tone: "orange",
					look: "area",
					points: values(({ sent, committed }) =>
						sent === null || committed === null ? null : Math.max(0, sent - committed),
					),
				},
				{
					name: "engine's metrics",
					tone: "purple",
					look: "dashed",
					points: values(({ engineLag }) => engineLag),
				},
			]),
		},
		{
			...shared,
			title: "CPU",
			about: `Cores in use, by owner; the machine has ${cores}.`,
			unit: "cores",
			stacked: true,
			limits: [{ value: cores, text: `${cores} cores` }],
			series: coresOverTime(samples, window).map(({ part, points }) => ({
				...CPU_PARTS[part],
				look: "area",
				points,
			})),
		},
		{
			...shared,
			title: "Memory",
			about: "Resident memory of the engine.",
			unit: "bytes",
			limits: [{ value: MEMORY_LIMIT_BYTES, text: "512 MiB" }],
			series: known([
				{ name: "engine", tone: "teal", look: "area", points: values(({ memoryBytes }) => memoryBytes) },
			]),
		},
		{
			...shared,
			title: "Paused partitions",
			about: "Partitions that the engine has paused, for any reason: its limits at work.",
			unit: "count",
			series: known([{ name: "paused", tone: "red", look: "area", points: values(({ paused }) => paused) }]),
		},
		{
			...shared,
			title: "Open handles",
			about: "File descriptors of the engine: flat unless something leaks.",
			unit: "count",
			series: known([
				{ name: "handles", tone: "grey", look: "line", points: values(({ handles }) => handles) },
			]),
		},
	];
	return plots.filter((plot) => hasValues(plot) && worthShowing(plot));
}

/** Lines about nothing would only fill the legend. */
function known(series: readonly Series[]): Series[] {
	return series.filter(({ points }) => points.some(({ y }) => y !== null));
}

/** In a drain everything was sent before: a line on the floor. */
function growing(points: Series["points"]): Series["points"] {
	return points.some(({ y }) => y !== null && y > 0) ? points : points.map(({ x }) => ({ x, y: null }));
}

/** Pauses that never were need no plot. */
function worthShowing({ title, series }: Plot): boolean {
	return (
		title !== "Paused partitions" || series.some(({ points }) => points.some(({ y }) => y !== null && y > 0))
	);
}

function seconds(value: number): string {
	return `${value < 1 ? value.toFixed(2) : value.toFixed(value < 10 ? 1 : 0)} s`;
}
