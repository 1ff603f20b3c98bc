/**
 * From when an event was due to when its row could be queried, for every event: what is sent is noted by offset, and a
 * committed read of the offset rows says up to which offset everything is visible.
 *
 * Open loop: the clock of an event begins when it was due by the rate that was asked for, not when the sender got round
 * to it, so a stall of anything shows in all events that fell into it (no coordinated omission). Events that became
 * visible between two reads take the time of the later one: latencies are too long by up to one read's interval, never
 * too short.
 */
import { LatencyHistogram } from "./latency-histogram.ts";
import type { Distribution } from "./result.ts";

/** Records of one partition in a row that were due together. */
interface Sent {
	readonly startOffset: number;
	readonly endOffset: number;
	readonly dueMs: number;
	readonly histogram: LatencyHistogram | null;
}

interface Lane {
	readonly sent: Sent[];
	/** The first of `sent` that is not all visible. */
	first: number;
	/** Everything below is visible. */
	visible: number;
}

/** Entries that are done with are thrown away this many at a time. */
const DONE_MAX = 4096;

export class LatencyTracker {
	readonly #lanes = new Map<number, Lane>();
	readonly #histograms = new Map<string, LatencyHistogram>();
	/** Records sent and not known to be visible. */
	invisible = 0;

	/**
	 * Takes `records` that end before `endOffset`, behind everything the partition was sent before. Call it before they
	 * are out. They are counted under the name of the window; null: not at all. A name may come back.
	 */
	sent(partition: number, endOffset: number, records: number, dueMs: number, window: string | null): void {
		const startOffset = endOffset - records;
		const lane = this.#lanes.get(partition) ?? { sent: [], first: 0, visible: startOffset };
		this.#lanes.set(partition, lane);
		lane.sent.push({ startOffset, endOffset, dueMs, histogram: this.#histogram(window) });
		this.invisible += records;
	}

	/** A committed read that was answered at `seenMs` found `nextOffset` in the partition's offset row. */
	seen(partition: number, nextOffset: number, seenMs: number): void {
		const lane = this.#lanes.get(partition);
		if (lane === undefined) return;
		for (; lane.first < lane.sent.length; lane.first++) {
			const { startOffset, endOffset, dueMs, histogram } = lane.sent[lane.first]!;
			if (nextOffset <= startOffset) break;
			const until = Math.min(endOffset, nextOffset);
			const count = until - Math.max(startOffset, lane.visible);
			// A row that has gone back (a restored database) makes nothing invisible again.
			if (count > 0) {
				this.invisible -= count;
				histogram?.record(seenMs - dueMs, count);
				lane.visible = until;
			}
			if (nextOffset < endOffset) break;
		}
		if (lane.first > DONE_MAX) {
			lane.sent.splice(0, lane.first);
			lane.first = 0;
		}
	}

	#histogram(window: string | null): LatencyHistogram | null {
		if (window === null) return null;
		const histogram = this.#histograms.get(window) ?? new LatencyHistogram();
		this.#histograms.set(window, histogram);
		return histogram;
	}

	/** Of the windows in the order of their first events; those without a visible record are left out. */
	distributions(): Distribution[] {
		const all = [...this.#histograms].filter(([, { count }]) => count > 0);
		return all.map(([name, histogram]) => histogram.distribution(name));
	}
}
