import type { Watermarks } from "./ports.ts";

/** `seek`: ask for the position again. `rebuild`: a new consumer. `recover`: the log ends before our position. */
export type StallAction = "seek" | "rebuild" | "recover";

export interface Position {
	readonly partition: number;
	readonly expected: number;
}

interface Stall {
	expected: number;
	strikes: number;
	nextAtMs: number;
}

/** A fetch answers within a second; nothing for this long, though there is something to fetch, is a stall. */
export const STALL_MS_MAX = 10_000;
/** From the second strike on: a rebuild costs everybody a rebalance. (An open transaction is no stall: kafkajs asks for the last stable offset.) */
const REBUILD_EVERY_MS = 10 * 60_000;

/**
 * Notices partitions that flow, have records beyond our position, and bring nothing: kafkajs can stall in silence while
 * its heartbeats go on (#1456, #1072), and an OFFSET_OUT_OF_RANGE at the end of the log says nothing at all (K10).
 */
export class StallWatch {
	readonly #stalls = new Map<number, Stall>();

	/** `flowing`: partitions that accept and are not paused. Called with every reading of the watermarks. */
	look(
		flowing: readonly Position[],
		watermarks: ReadonlyMap<number, Watermarks>,
		nowMs: number,
	): { readonly partition: number; readonly action: StallAction }[] {
		const seen = new Set(flowing.map(({ partition }) => partition));
		for (const partition of this.#stalls.keys()) if (!seen.has(partition)) this.#stalls.delete(partition);
		return flowing.flatMap(({ partition, expected }) => {
			const high = watermarks.get(partition)?.high;
			const stall = this.#stalls.get(partition);
			if (high === undefined || high === expected) {
				this.#stalls.delete(partition);
			} else if (stall === undefined || stall.expected !== expected) {
				this.#stalls.set(partition, { expected, strikes: 0, nextAtMs: nowMs + STALL_MS_MAX });
			} else if (nowMs >= stall.nextAtMs) {
				return [{ partition, action: strike(stall, high < expected, nowMs) }];
			}
			return [];
		});
	}
}

function strike(stall: Stall, logEndsBefore: boolean, nowMs: number): StallAction {
	stall.strikes++;
	if (logEndsBefore) {
		stall.nextAtMs = nowMs + STALL_MS_MAX;
		return "recover";
	}
	stall.nextAtMs = nowMs + (stall.strikes === 1 ? STALL_MS_MAX : REBUILD_EVERY_MS);
	return stall.strikes === 1 ? "seek" : "rebuild";
}
