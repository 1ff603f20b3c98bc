/** Rounds of a micro-benchmark, and what they say. */
import { median } from "../support/median.ts";
import type { Round } from "./micro.ts";
import { mainThreadCpuNs, ownCpuNs } from "./thread-cpu.ts";

export interface Measured {
	/** CPU of this thread in ns per event: in the middle, at least, at most. */
	readonly threadNs: number;
	readonly threadNsMin: number;
	readonly threadNsMax: number;
	/** CPU of V8's other threads meanwhile, in ns per event: parallel garbage collection and compilation. */
	readonly helpersNs: number;
	readonly rounds: number;
}

export interface MeasureOptions {
	readonly rounds: number;
	/** CPU time of a round at least, in ms: the scheduler's account is some ms behind. */
	readonly roundMs: number;
	/** Before the first round that counts, in ms of CPU: until everything is compiled. */
	readonly warmUpMs: number;
}

export const THOROUGH: MeasureOptions = { rounds: 9, roundMs: 200, warmUpMs: 500 };
export const QUICK: MeasureOptions = { rounds: 3, roundMs: 20, warmUpMs: 20 };

/** @throws Error when a round did not do its work */
export async function measure(round: Round, options: MeasureOptions): Promise<Measured> {
	const warmUpFrom = ownCpuNs();
	let repeats = 0;
	do {
		await checkedRun(round);
		repeats++;
	} while (ownCpuNs() - warmUpFrom < options.warmUpMs * 1e6);
	const runNs = (ownCpuNs() - warmUpFrom) / repeats;
	const perRound = Math.max(1, Math.ceil((options.roundMs * 1e6) / runNs));
	const thread: number[] = [];
	const helpers: number[] = [];
	for (let i = 0; i < options.rounds; i++) {
		const ownFrom = ownCpuNs();
		// Without Linux there is only the whole process.
		const threadFrom = mainThreadCpuNs();
		for (let k = 0; k < perRound; k++) await checkedRun(round);
		const own = (ownCpuNs() - ownFrom) / (perRound * round.events);
		const threadTo = mainThreadCpuNs();
		const ofThread =
			threadFrom === null || threadTo === null ? own : (threadTo - threadFrom) / (perRound * round.events);
		thread.push(ofThread);
		helpers.push(Math.max(0, own - ofThread));
	}
	return {
		threadNs: median(thread),
		threadNsMin: Math.min(...thread),
		threadNsMax: Math.max(...thread),
		helpersNs: median(helpers),
		rounds: options.rounds,
	};
}

async function checkedRun(round: Round): Promise<void> {
	const result = await round.run();
	if (result !== round.expected)
		throw new Error(
			`a round came to ${result}, but should have come to ${round.expected}: it did not do its work`,
		);
}
