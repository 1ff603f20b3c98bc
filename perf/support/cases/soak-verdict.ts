/** What a soak's samples say about memory, handles and lag: flat, or how fast each grows. */
import type { Figure, Sample } from "../result.ts";
import { floorOf, type TrendPoint, trendOf } from "./trend.ts";

export interface Verdict {
	/** What grows, each as a sentence; empty when all is flat. */
	readonly growing: readonly string[];
	readonly figures: readonly Figure[];
}

interface Watched {
	readonly name: string;
	readonly unit: string;
	pick(sample: Sample): number | null;
	/**
	 * It counts as growing when the line rises, over the time that was watched, by more than this: a share of the mean
	 * and never less than an amount that is nothing.
	 */
	readonly share: number;
	readonly nothing: number;
}

/** Postgres's truth, and what the engine says only where that is unknown. */
function lagOf({ sent, committed, engineLag }: Sample): number | null {
	return sent === null || committed === null ? engineLag : Math.max(0, sent - committed);
}

const MEBIBYTE = 2 ** 20;
const WATCHED: readonly Watched[] = [
	// A heap settles within some 10 %; what a leak of a few bytes per event makes of a million events is far more.
	{
		name: "memory",
		unit: "bytes",
		pick: ({ memoryBytes }) => memoryBytes,
		share: 0.1,
		nothing: 24 * MEBIBYTE,
	},
	// Day partitions and probes open and close a connection now and then.
	{ name: "handles", unit: "count", pick: ({ handles }) => handles, share: 0.05, nothing: 3 },
	// Lag swings with each flush: its floor must not rise by a second of traffic.
	{ name: "lag", unit: "events", pick: lagOf, share: 0, nothing: 0 },
];
/** Floors are taken of so many stretches: enough for a line, each long enough to hold several collections. */
const STRETCHES = 20;
const SECONDS_PER_HOUR = 3600;

/**
 * @param samples of the steady part, without the warm-up
 * @param ratePerSecond of the traffic
 * @throws RangeError when there are too few samples for a line
 */
export function soakVerdict(samples: readonly Sample[], ratePerSecond: number): Verdict {
	const first = samples[0]?.atSeconds ?? 0;
	const seconds = (samples.at(-1)?.atSeconds ?? 0) - first;
	const growing: string[] = [];
	const figures: Figure[] = [];
	for (const { name, unit, pick, share, nothing } of WATCHED) {
		const points = samples.flatMap((sample): TrendPoint[] => {
			const y = pick(sample);
			return y === null ? [] : [{ x: sample.atSeconds - first, y }];
		});
		const trend = trendOf(floorOf(points, seconds / STRETCHES));
		if (trend === null) throw new RangeError(`too few samples of ${name} for a line: let it run longer`);
		const limit = Math.max(name === "lag" ? ratePerSecond : nothing, share * trend.mean);
		const isGrowing = trend.growth > limit;
		if (isGrowing)
			growing.push(
				`${name} grows: by ${amount(trend.growth, unit)} in ${round(seconds)} s, allowed are ${amount(limit, unit)}`,
			);
		figures.push(
			{
				name: `${name}-growth`,
				value: trend.growth,
				unit,
				better: "lower",
				about: `rise of the line of least squares through the floor of ${name} over the ${round(seconds)} s after the warm-up: ${isGrowing ? "GROWING" : "flat"} (limit ${amount(limit, unit)})`,
			},
			{
				name: `${name}-slope`,
				value: trend.slope * SECONDS_PER_HOUR,
				unit: unit === "bytes" ? "bytes" : `${unit}/h`,
				better: null,
				about: "the same line, per hour",
			},
			{ name: `${name}-mean`, value: trend.mean, unit, better: "lower", about: `mean of that floor` },
		);
	}
	return { growing, figures };
}

function amount(value: number, unit: string): string {
	return unit === "bytes" ? `${round(value / MEBIBYTE)} MiB` : `${round(value)} ${unit}`;
}

function round(value: number): string {
	return Math.round(value).toLocaleString("en");
}
