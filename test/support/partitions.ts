/** Questions to running engines about the partitions they have. */
import type { EngineProcess } from "./engine-process.ts";
import { type WaitOptions, waitUntil } from "./wait-until.ts";

/** Those an engine reads or has claimed and may read. */
export async function runningPartitions(engine: EngineProcess): Promise<number[]> {
	const { partitions } = await engine.status();
	return partitions.filter(({ state }) => state === "running").map(({ partition }) => partition);
}

/** Waits until these engines, and nobody twice, have all partitions, as evenly as can be. Returns who has which. */
export function untilShared(
	engines: readonly EngineProcess[],
	partitions: number,
	options: WaitOptions = {},
): Promise<number[][]> {
	const least = Math.floor(partitions / engines.length);
	return waitUntil(
		async () => {
			const shares = await Promise.all(engines.map(runningPartitions));
			const all = shares.flat();
			const isWhole = all.length === partitions && new Set(all).size === partitions;
			return isWhole && shares.every((share) => share.length >= least) && shares;
		},
		{ what: `${partitions} partitions shared by ${engines.length} engines`, ...options },
	);
}

/** Waits until an engine has stored everything it can see, and reads on: no lag, no pause. */
export function untilCaughtUp(engine: EngineProcess, options: WaitOptions = {}): Promise<boolean> {
	return waitUntil(
		async () => {
			const { partitions, state } = await engine.status();
			const flows = partitions.every(({ lag, pausedReasons }) => lag === 0 && pausedReasons.length === 0);
			return state === "running" && partitions.length > 0 && flows;
		},
		{ what: "no lag and no pause", ...options },
	);
}
