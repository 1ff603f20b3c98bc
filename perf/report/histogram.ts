/** A distribution as bars over a logarithmic axis, with its percentiles as lines. */
import type { Distribution } from "../support/result.ts";
import { escapeText } from "./escape.ts";
import { placeLabels } from "./marks.ts";
import { exactNumber, shortNumber } from "./numbers.ts";
import { linearScale, logScale, pixel } from "./scale.ts";
import { logTicks, niceTicks } from "./ticks.ts";

/** More would be thinner than a pixel on a phone. */
const BARS_MAX = 48;
const MARGIN = { left: 44, right: 10, bottom: 38 };
const LABEL_ROW_PX = 14;
const TICK_PX = 56;
/** Below this a duration is not measured but the clock's grain, in ms. */
const FLOOR_MS = 0.01;

export interface Bar {
	readonly from: number;
	readonly to: number;
	/** Of all values, 0 to 1. */
	readonly share: number;
}

/** Puts fine buckets into bars of equal width on a logarithmic axis. */
export function barsOf({ buckets, count }: Distribution): Bar[] {
	const filled = buckets.filter((bucket) => bucket.count > 0);
	const first = filled[0];
	const last = filled.at(-1);
	if (first === undefined || last === undefined || count === 0) return [];
	const at = buckets.indexOf(first);
	const next = buckets[at + 1]?.atMost ?? first.atMost * 1.5;
	// The first bucket of all has no lower end: it is taken to be as wide as the next.
	const below = buckets[at - 1]?.atMost ?? first.atMost * (first.atMost / next);
	const min = Math.max(FLOOR_MS, below);
	const max = Math.max(last.atMost, min * 1.05);
	const between = buckets.filter(({ atMost }) => atMost > min && atMost <= max).length;
	const bars = Math.max(1, Math.min(BARS_MAX, between));
	const ratio = (max / min) ** (1 / bars);
	const shares = new Array<number>(bars).fill(0);
	const place = (value: number): number => Math.log(Math.max(value, min) / min) / Math.log(ratio);
	for (const [index, bucket] of buckets.entries()) {
		if (bucket.count === 0) continue;
		// A bucket that lies over several bars is shared out among them: else bars and buckets would beat like a comb.
		const to = Math.min(bars, place(bucket.atMost));
		const from = Math.min(place(buckets[index - 1]?.atMost ?? min), to - 1e-9);
		for (let bar = Math.max(0, Math.floor(from)); bar < Math.min(bars, to); bar++) {
			const within = Math.min(to, bar + 1) - Math.max(from, bar);
			shares[bar]! += (bucket.count / count) * (within / (to - from));
		}
	}
	return shares.map((share, at) => ({ from: min * ratio ** at, to: min * ratio ** (at + 1), share }));
}

/** An `<svg>` like those of plot.ts. */
export function drawHistogram(distribution: Distribution, width: number, plotHeight: number): string {
	const bars = barsOf(distribution);
	const { p50, p95, p99, max, unit } = distribution;
	const lines = (
		[
			["p50", p50],
			["p95", p95],
			["p99", p99],
			["max", max],
		] as const
	).filter(([, value]) => Number.isFinite(value) && value > 0);
	const low = Math.min(bars[0]?.from ?? 1, ...lines.map(([, value]) => value));
	const high = Math.max(bars.at(-1)?.to ?? 10, ...lines.map(([, value]) => value));
	const right = width - MARGIN.right;
	const x = logScale(low, high > low ? high : low * 2, MARGIN.left, right);
	const labels = lines.map(([name, value]) => ({
		x: x.at(value),
		text: `${name} ${exactNumber(value)} ${unit}`,
	}));
	const placement = placeLabels(labels, MARGIN.left, right);
	const top = placement.rows * LABEL_ROW_PX + 4;
	const floor = top + plotHeight;
	const yTicks = niceTicks(0, Math.max(...bars.map(({ share }) => share * 100), 1), 4);
	const y = linearScale(0, yTicks.at(-1)!, floor, top);
	const rows = yTicks.map((tick) => {
		const at = y.at(tick);
		return `<path class="grid" d="M${MARGIN.left} ${pixel(at)}H${right}"/><text class="tick end" x="${MARGIN.left - 6}" y="${pixel(at + 4)}">${shortNumber(tick)} %</text>`;
	});
	const columns = logTicks(x.min, x.max, Math.max(2, Math.floor((right - MARGIN.left) / TICK_PX))).map(
		(tick) => {
			const at = pixel(x.at(tick));
			return `<path class="axis" d="M${at} ${pixel(floor)}v4"/><text class="tick middle" x="${at}" y="${pixel(floor + 16)}">${shortNumber(tick)}</text>`;
		},
	);
	const blocks = bars.map(({ from, to, share }) => {
		const left = x.at(from);
		const title = escapeText(
			`${exactNumber(from)} to ${exactNumber(to)} ${unit}: ${exactNumber(share * 100)} %`,
		);
		// What holds anything is seen, however little it is.
		const height = share === 0 ? 0 : Math.max(1.5, floor - y.at(share * 100));
		return `<rect class="block blue" x="${pixel(left)}" y="${pixel(floor - height)}" width="${pixel(Math.max(1, x.at(to) - left - 1))}" height="${pixel(height)}"><title>${title}</title></rect>`;
	});
	const marks = labels.map(({ x: at, text }, index) => {
		const label = placement.labels[index]!;
		const baseline = label.row * LABEL_ROW_PX + 11;
		return `<g class="mark"><title>${escapeText(text)}</title><path d="M${pixel(at)} ${baseline - 9}V${pixel(floor)}"/><text x="${pixel(label.left)}" y="${baseline}">${escapeText(label.text)}</text></g>`;
	});
	const axis = `<path class="axis" d="M${MARGIN.left} ${pixel(floor)}H${right}"/><text class="tick middle" x="${pixel((MARGIN.left + right) / 2)}" y="${pixel(floor + 33)}">${escapeText(unit)}, logarithmic</text>`;
	const label = escapeText(`${distribution.name}: ${labels.map(({ text }) => text).join(", ")}`);
	return `<svg viewBox="0 0 ${width} ${floor + MARGIN.bottom}" role="img" aria-label="${label}">${rows.join("")}${blocks.join("")}${axis}${columns.join("")}${marks.join("")}</svg>`;
}
