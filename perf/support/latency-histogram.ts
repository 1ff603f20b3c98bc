/**
 * Counting latencies in whole ms, any number of them, in a few KB: exact up to 256 ms, to 0.8 % above (the buckets of
 * HdrHistogram, https://github.com/HdrHistogram, with seven significant bits).
 */
import type { Distribution } from "./result.ts";

/** Up to twice this every ms has a bucket of its own; each doubling above has so many buckets. */
const BUCKETS_PER_DOUBLING = 128;
/** Bits of the latencies that have a bucket: below 2^32 ms, 49 days. */
const BUCKETS = BUCKETS_PER_DOUBLING * (32 - 7 + 1);

/** A bucket of the plot ends at this multiple of where it begins, once that is more than a ms. */
const PLOT_RATIO = 1.05;

export class LatencyHistogram {
	readonly #counts = new Float64Array(BUCKETS);
	#count = 0;
	#maxMs = 0;

	/** @param latencyMs rounded up; below 0 counts as 0 */
	record(latencyMs: number, count: number): void {
		const whole = Math.max(0, Math.ceil(latencyMs));
		this.#counts[bucketOf(whole)]! += count;
		this.#count += count;
		this.#maxMs = Math.max(this.#maxMs, whole);
	}

	get count(): number {
		return this.#count;
	}

	/** The smallest latency in ms that so large a share (0 to 1) does not exceed; 0 while nothing was recorded. */
	percentile(share: number): number {
		// Products such as 0.99 × 100 come out above the whole number they mean.
		const wanted = Math.ceil(share * this.#count - 1e-6);
		let seen = 0;
		for (let bucket = 0; bucket < BUCKETS; bucket++) {
			seen += this.#counts[bucket]!;
			if (seen >= wanted && seen > 0) return Math.min(upperEndOf(bucket), this.#maxMs);
		}
		return 0;
	}

	/** For a result: percentiles, and buckets that are at least 5 % wide. */
	distribution(name: string): Distribution {
		const buckets: { atMost: number; count: number }[] = [];
		let end = 0;
		for (let bucket = 0; bucket < BUCKETS; bucket++) {
			const count = this.#counts[bucket]!;
			const atMost = upperEndOf(bucket);
			if (count === 0 && buckets.length === 0) {
				end = atMost;
				continue;
			}
			if (atMost > end || buckets.length === 0) {
				if (lowerEndOf(bucket) > this.#maxMs) break;
				end = Math.max(atMost, Math.floor(end * PLOT_RATIO));
				buckets.push({ atMost: end, count: 0 });
			}
			buckets.at(-1)!.count += count;
		}
		return {
			name,
			unit: "ms",
			count: this.#count,
			p50: this.percentile(0.5),
			p95: this.percentile(0.95),
			p99: this.percentile(0.99),
			max: this.#maxMs,
			buckets,
		};
	}
}

function bucketOf(wholeMs: number): number {
	const shift = Math.max(0, 31 - Math.clz32(wholeMs) - 7);
	return shift * BUCKETS_PER_DOUBLING + (wholeMs >>> shift);
}

/** Largest whole ms in the bucket. */
function upperEndOf(bucket: number): number {
	return lowerEndOf(bucket + 1) - 1;
}

function lowerEndOf(bucket: number): number {
	const shift = Math.max(0, Math.floor(bucket / BUCKETS_PER_DOUBLING) - 1);
	return (bucket - shift * BUCKETS_PER_DOUBLING) * 2 ** shift;
}
