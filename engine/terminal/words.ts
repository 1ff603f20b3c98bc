/** Numbers, times and states in words, as short as a terminal wants them. */
import type { EngineState, PartitionState } from "../../monitoring/status.ts";
import { withCommas } from "../commands/progress.ts";
import { printable } from "./printable.ts";

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
const BYTES_PER_KB = 1_000;

/** `12,345/s`; below ten a decimal, since 0.4/s is not nothing. */
export function perSecond(rate: number): string {
	return `${rate > 0 && rate < 10 ? rate.toFixed(1) : withCommas(rate)}/s`;
}

/** `12 ms`, `2.5 s`, `3 min 20 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
	if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
	const seconds = ms / SECOND_MS;
	if (seconds < 10) return `${seconds.toFixed(1)} s`;
	if (seconds < MINUTE_S) return `${Math.floor(seconds)} s`;
	if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min ${Math.floor(seconds % MINUTE_S)} s`;
	if (seconds < DAY_S)
		return `${Math.floor(seconds / HOUR_S)} h ${Math.floor((seconds % HOUR_S) / MINUTE_S)} min`;
	return `${withCommas(Math.floor(seconds / DAY_S))} d ${Math.floor((seconds % DAY_S) / HOUR_S)} h`;
}

/** The largest unit alone, `12 s`, `3 min`, `2 h`, `4 d`: what only grows need not change a line every second. */
export function coarse(ms: number): string {
	const whole = Math.floor(ms / SECOND_MS);
	if (whole < MINUTE_S) return `${whole} s`;
	if (whole < HOUR_S) return `${Math.floor(whole / MINUTE_S)} min`;
	return whole < DAY_S ? `${Math.floor(whole / HOUR_S)} h` : `${withCommas(Math.floor(whole / DAY_S))} d`;
}

export function seconds(value: number): string {
	return value === 0 ? "0 s" : duration(value * SECOND_MS);
}

/** `87 %`; what is not nothing is never `0 %`, what is not all never `100 %`. */
export function percent(share: number): string {
	if (share > 0 && share < 0.01) return "<1 %";
	return `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100} %`;
}

/** `12 KB`. */
export function kilobytes(bytes: number): string {
	return `${withCommas(Math.ceil(bytes / BYTES_PER_KB))} KB`;
}

/** `2 engines`, `1 engine`. */
export function plural(count: number, noun: string): string {
	return `${withCommas(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The time of day in UTC, with the day when it is another one than that of `nowMs`. */
export function utcTime(ms: number, nowMs: number): string {
	const [day, time] = new Date(ms).toISOString().split("T") as [string, string];
	const isToday = new Date(nowMs).toISOString().startsWith(day);
	return isToday ? time.slice(0, 8) : `${day} ${time.slice(0, 5)}`;
}

export const STATE_WORDS = {
	starting: "joining the group",
	running: "running",
	recovering: "recovering",
	stopping: "stopping: last commit, then leaving the group",
	stopped: "stopped",
	failed: "failed",
} as const satisfies Readonly<Record<EngineState, string>>;

export const PARTITION_WORDS = {
	joining: "joining",
	claiming: "being claimed",
	verifying: "being verified",
	running: "running",
	halted: "halted",
} as const satisfies Readonly<Record<PartitionState, string>>;

/** Of the reasons why Kafka is not read; `claim`, `recovery`, `halted` and `stopping` are told by the state. */
const PAUSE_WORDS: Readonly<Record<string, string | null>> = {
	claim: null,
	recovery: null,
	halted: null,
	stopping: null,
	position: "its position is being corrected",
	suspect: "a message is tried alone",
	actors: "the actors have enough to do",
	flush: "Postgres has enough to do",
};

/** Why a partition is paused, in words; those that its state tells already are left out. */
export function pauseWords(reasons: readonly string[]): string[] {
	return reasons.flatMap((reason) => {
		const words = PAUSE_WORDS[reason];
		return words === undefined ? [printable(reason)] : words === null ? [] : [words];
	});
}
