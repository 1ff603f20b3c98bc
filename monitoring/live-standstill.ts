/** Partitions in which something waits and nothing is stored: the condition of the alert EngineStalled. */
import type { PartitionStatus } from "./status.ts";

/** The windows of the alert's two conditions (recording.rules.yml: `min2m`, `changes2m`). */
const STANDSTILL_MS = 2 * 60_000;

export interface Standing {
	/** Numbers of the partitions that have stood still for the whole window. */
	readonly stalled: readonly number[];
}

export class Standstill {
	readonly #still = new Map<number, { readonly durableOffset: number | null; readonly sinceMs: number }>();

	look(partitions: readonly PartitionStatus[], nowMs: number): Standing {
		const ours = new Set(partitions.map(({ partition }) => partition));
		for (const partition of [...this.#still.keys()]) if (!ours.has(partition)) this.#still.delete(partition);
		const stalled: number[] = [];
		for (const { partition, lag, durableOffset, state } of partitions) {
			const before = this.#still.get(partition);
			// A halted one has an alert of its own.
			const stands = (lag ?? 0) > 0 && state !== "halted";
			if (!stands) this.#still.delete(partition);
			else if (before?.durableOffset !== durableOffset)
				this.#still.set(partition, { durableOffset, sinceMs: nowMs });
			else if (nowMs - before.sinceMs >= STANDSTILL_MS) stalled.push(partition);
		}
		return { stalled };
	}
}
