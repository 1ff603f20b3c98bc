/** One line that says how the engine does, for logs that people or programs read instead of a view. Pure. */

import { totalLag, worstLagSeconds } from "../../monitoring/lag-totals.ts";
import type { EngineStatus } from "../../monitoring/status.ts";
import { withCommas } from "../commands/progress.ts";
import type { Pace } from "./history.ts";
import { printable } from "./printable.ts";
import { perSecond, STATE_WORDS, seconds } from "./words.ts";

export interface StatusLine {
	readonly text: string;
	/** For programs. Rates are per second over the last seconds. */
	readonly fields: Readonly<Record<string, unknown>>;
}

export function statusLine(status: EngineStatus, pace: Pace): StatusLine {
	const { totals, notReady, state } = status;
	const lag = totalLag(status);
	const lagSeconds = worstLagSeconds(status);
	const health =
		notReady.length === 0 ? STATE_WORDS[state] : `not ready: ${notReady.map(printable).join("; ")}`;
	const behind =
		lag === null
			? "lag not known"
			: lag === 0
				? "lag 0"
				: `lag ${withCommas(lag)}, oldest ${seconds(lagSeconds ?? 0)}`;
	return {
		text: [
			health,
			`${perSecond(pace.storedPerSecond)} stored`,
			behind,
			`${withCommas(totals.stored)} stored and ${withCommas(totals.deadLetters)} dead letters since the start`,
		].join("; "),
		fields: {
			state,
			...(notReady.length === 0 ? {} : { notReady }),
			consumedPerSecond: tenths(pace.consumedPerSecond),
			storedPerSecond: tenths(pace.storedPerSecond),
			lag,
			lagSeconds: lagSeconds === null ? null : tenths(lagSeconds),
			stored: totals.stored,
			deadLetters: totals.deadLetters,
			partitions: status.partitions.length,
		},
	};
}

function tenths(value: number): number {
	return Math.round(value * 10) / 10;
}
