/**
 * Finding the highest rate that holds: up by a factor while it holds, down by halves while it never held, then between the
 * two sides. A step costs many seconds, so the number of steps is bounded and the answer is good to some per cent.
 */

/** Closer than this the two sides are the same on any machine. */
const CLOSE_RATIO = 1.06;
/** Rates are whole thousands above this, so that they read well. */
const ROUND_ABOVE = 20_000;

export class RateSearch {
	readonly #startPerSecond: number;
	readonly #factor: number;
	#stepsLeft: number;
	/** Highest that held, and lowest that did not; null: none yet. */
	#held: number | null = null;
	#failed: number | null = null;

	/** @param factor above 1: what the rate is raised by as long as it holds */
	constructor(startPerSecond: number, factor: number, stepsMax: number) {
		this.#startPerSecond = startPerSecond;
		this.#factor = factor;
		this.#stepsLeft = stepsMax;
	}

	/** Highest rate that held, null when none did. */
	get best(): number | null {
		return this.#held;
	}

	/** Events a second to try next; null when there is nothing more to find out. */
	next(): number | null {
		const [held, failed] = [this.#held, this.#failed];
		if (this.#stepsLeft <= 0 || (held !== null && failed !== null && failed / held < CLOSE_RATIO))
			return null;
		const perSecond = rounded(this.#middle());
		return perSecond === held || perSecond === failed ? null : perSecond;
	}

	#middle(): number {
		const [held, failed] = [this.#held, this.#failed];
		if (held === null) return failed === null ? this.#startPerSecond : failed / 2;
		return failed === null ? held * this.#factor : Math.sqrt(held * failed);
	}

	/** Tells whether the rate that was tried held. */
	judged(perSecond: number, holds: boolean): void {
		this.#stepsLeft--;
		if (holds) this.#held = Math.max(this.#held ?? 0, perSecond);
		else this.#failed = Math.min(this.#failed ?? Number.POSITIVE_INFINITY, perSecond);
	}
}

function rounded(perSecond: number): number {
	const unit = perSecond > ROUND_ABOVE ? 1000 : 1;
	return Math.max(1, Math.round(perSecond / unit) * unit);
}

/** What a step must keep, and what it did. */
export interface StepSeen {
	readonly perSecond: number;
	readonly p99Ms: number;
	/** Due and not committed, at even intervals over the step. */
	readonly backlogs: readonly number[];
	readonly seconds: number;
}

/** A backlog that grows by this share of the rate will fill any memory, if slowly. */
const GROWTH_SHARE_MAX = 0.03;
/** As long as it grew by less than so much traffic within a step, it may have been the teeth of the commits. */
const GROWN_SECONDS_MIN = 0.2;

/** Why the rate does not hold, for people; null when it does. */
export function whyItDoesNotHold(step: StepSeen, p99MsMax: number): string | null {
	const growth = backlogGrowth(step);
	if (growth > Math.max(GROWTH_SHARE_MAX, GROWN_SECONDS_MIN / step.seconds))
		return `the backlog grows by ${(growth * 100).toFixed(0)} % of the rate`;
	if (step.p99Ms > p99MsMax) return `p99 is ${step.p99Ms} ms`;
	return null;
}

/** By how much of the rate the backlog grew: the mean of the second half less that of the first, over the time between. */
export function backlogGrowth({ backlogs, perSecond, seconds }: StepSeen): number {
	const half = Math.floor(backlogs.length / 2);
	if (half === 0) return 0;
	const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
	const grown = mean(backlogs.slice(-half)) - mean(backlogs.slice(0, half));
	const shareOfTime = (backlogs.length - half) / backlogs.length;
	return grown / (seconds * shareOfTime * perSecond);
}
