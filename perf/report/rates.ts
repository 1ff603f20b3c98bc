/** From counters that only grow to rates over time. */

export interface Counted {
	readonly atSeconds: number;
	/** Null while unknown. */
	readonly count: number | null;
}

export interface Rate {
	readonly x: number;
	/** Per second; null where it cannot be known. */
	readonly y: number | null;
}

/** A run is shown with about this many windows: fewer hide what happened, more show each single flush. */
const WINDOWS = 50;
/** A window below this many samples shows the sampler's own jitter. */
const SAMPLES_PER_WINDOW = 3;

/** Width of the window that rates of these moments should be taken over, in seconds. */
export function rateWindowSeconds(moments: readonly number[]): number {
	const first = moments[0];
	const last = moments.at(-1);
	if (first === undefined || last === undefined || last <= first) return 1;
	const interval = (last - first) / (moments.length - 1);
	return Math.max((last - first) / WINDOWS, SAMPLES_PER_WINDOW * interval);
}

/**
 * The rate at each sample, over the window that ends there. A counter that fell (a process was started anew) and a hole
 * within the window make it unknown, and so does a sample without one before it.
 */
export function ratesOf(samples: readonly Counted[], windowSeconds: number): Rate[] {
	let from = 0;
	// The window must not reach back over a hole or a fall.
	let solidFrom = 0;
	return samples.map(({ atSeconds, count }, at) => {
		const before = samples[at - 1]?.count ?? null;
		if (count === null || before === null || count < before) solidFrom = at;
		from = Math.max(from, solidFrom);
		while (from + 1 < at && samples[from + 1]!.atSeconds <= atSeconds - windowSeconds) from++;
		const start = samples[from]!;
		const seconds = atSeconds - start.atSeconds;
		const rate =
			count === null || start.count === null || seconds <= 0 ? null : (count - start.count) / seconds;
		return { x: atSeconds, y: rate };
	});
}
