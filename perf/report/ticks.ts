/** Where an axis gets its ticks: at values a person would choose. */

/** Steps within a power of ten that people count in. */
const DECIMAL_STEPS = [1, 2, 2.5, 5, 10];
/** Steps of a clock, in seconds. */
const CLOCK_STEPS = [
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
];
/** More than this on one axis is a mistake of the caller, and would fill the memory. */
const TICKS_MAX = 1000;

/** Ticks from at or below `min` to at or above `max`, about `count` of them; both ends belong to the axis. */
export function niceTicks(min: number, max: number, count: number): number[] {
	return multiples(min, max, decimalStep((max - min) / count), "around");
}

/** The same for bytes: in powers of two, so that 256 MiB and 512 MiB are ticks. */
export function byteTicks(min: number, max: number, count: number): number[] {
	const rough = (max - min) / count;
	return multiples(min, max, 2 ** Math.ceil(Math.log2(Math.max(rough, 1))), "around");
}

/** Ticks of a clock within `min` to `max` seconds; the axis does not grow for them. */
export function timeTicks(min: number, max: number, count: number): number[] {
	const rough = (max - min) / count;
	const days = CLOCK_STEPS.at(-1)!;
	const step =
		rough < 1
			? decimalStep(rough)
			: (CLOCK_STEPS.find((candidate) => candidate >= rough) ?? Math.ceil(rough / days) * days);
	return multiples(min, max, step, "within");
}

/** Powers of ten (with 2 and 5 between them while there is room) within `min` to `max`, both above 0. */
export function logTicks(min: number, max: number, count: number): number[] {
	const from = Math.floor(Math.log10(min));
	const to = Math.ceil(Math.log10(max));
	const within = (factors: readonly number[], stride: number): number[] => {
		const ticks: number[] = [];
		for (let power = from; power <= to; power += stride)
			for (const factor of factors) ticks.push(clean(factor * 10 ** power));
		return ticks.filter((tick) => tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9));
	};
	for (const factors of [[1, 2, 5], [1, 3], [1]]) {
		const ticks = within(factors, 1);
		if (ticks.length <= count) return ticks;
	}
	return within([1], Math.ceil((to - from) / count));
}

function decimalStep(rough: number): number {
	if (!(rough > 0)) return 1;
	const power = 10 ** Math.floor(Math.log10(rough));
	const factor = DECIMAL_STEPS.find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10;
	return factor * power;
}

/** Multiples of `step`, from their numbers, since adding up would drift. */
function multiples(min: number, max: number, step: number, reach: "around" | "within"): number[] {
	const first = reach === "around" ? Math.floor(min / step + 1e-9) : Math.ceil(min / step - 1e-9);
	const last = reach === "around" ? Math.ceil(max / step - 1e-9) : Math.floor(max / step + 1e-9);
	if (last - first > TICKS_MAX) throw new RangeError(`${last - first} ticks between ${min} and ${max}`);
	const ticks: number[] = [];
	// An axis of one value (all samples 0) still needs two ends.
	const end = reach === "around" ? Math.max(last, first + 1) : last;
	for (let n = first; n <= end; n++) ticks.push(clean(n * step));
	return ticks;
}

/** 0.30000000000000004 is 0.3. */
function clean(value: number): number {
	return Number(value.toPrecision(12));
}
