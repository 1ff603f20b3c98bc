/**
 * Quantiles of how long events took lately. Prometheus computes them from the exported histogram; whoever looks at the
 * engine itself has no Prometheus at hand, and wants them finer than its sixteen buckets.
 *
 * Values fall into buckets that grow by 10 %, so that a quantile is at most a tenth off; slots of five seconds leave one
 * by one. It holds a few kilobytes, whatever the rate.
 */
import type { LatencyStatus } from "./status.ts";
import type { WeightedSample } from "./weighted-histogram.ts";

/** Long enough for a p99 at a few events a second, short enough to show a change while one looks. */
export const LATENCY_WINDOW_MS = 60_000;
const SLOT_MS = 5_000;
const SLOTS = LATENCY_WINDOW_MS / SLOT_MS;
/** Below a millisecond nobody asks. */
const SMALLEST_SECONDS = 0.001;
const GROWTH = 1.1;
/** Up to about two years: a topic read from its start has latencies of months. */
const BUCKETS = 256;

interface Slot {
	startedAtMs: number;
	records: number;
	readonly counts: Float64Array;
}

export class LatencyWindow {
	readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({
		startedAtMs: Number.NEGATIVE_INFINITY,
		records: 0,
		counts: new Float64Array(BUCKETS),
	}));

	/** Adds samples in seconds; what is not finite or stands for nothing is left out, and less than none is none. */
	add(samples: readonly WeightedSample[], nowMs: number): void {
		const startedAtMs = Math.floor(nowMs / SLOT_MS) * SLOT_MS;
		const slot = this.#slots[(startedAtMs / SLOT_MS) % SLOTS]!;
		if (slot.startedAtMs !== startedAtMs) {
			slot.startedAtMs = startedAtMs;
			slot.records = 0;
			slot.counts.fill(0);
		}
		for (const [seconds, count] of samples) {
			if (!Number.isFinite(seconds) || !(count > 0)) continue;
			slot.records += count;
			slot.counts[bucketOf(seconds)]! += count;
		}
	}

	/** Null when nothing was added within the window. */
	read(nowMs: number): LatencyStatus | null {
		const recent = this.#slots.filter(
			({ startedAtMs }) => startedAtMs > nowMs - LATENCY_WINDOW_MS && startedAtMs <= nowMs,
		);
		const records = recent.reduce((sum, slot) => sum + slot.records, 0);
		if (records === 0) return null;
		const counts = new Float64Array(BUCKETS);
		for (const slot of recent) for (let i = 0; i < BUCKETS; i++) counts[i]! += slot.counts[i]!;
		return {
			windowSeconds: LATENCY_WINDOW_MS / 1000,
			records,
			p50Seconds: quantile(counts, records, 0.5),
			p95Seconds: quantile(counts, records, 0.95),
			p99Seconds: quantile(counts, records, 0.99),
		};
	}
}

function bucketOf(seconds: number): number {
	if (seconds <= SMALLEST_SECONDS) return 0;
	const bucket = Math.ceil(Math.log(seconds / SMALLEST_SECONDS) / Math.log(GROWTH));
	return Math.min(bucket, BUCKETS - 1);
}

/** The upper bound of the bucket that holds it: never told better than it was. */
function quantile(counts: Float64Array, records: number, q: number): number {
	let seen = 0;
	for (const [bucket, count] of counts.entries()) {
		seen += count;
		if (seen >= records * q) return SMALLEST_SECONDS * GROWTH ** bucket;
	}
	return SMALLEST_SECONDS * GROWTH ** (BUCKETS - 1);
}
