/** The last minute of an engine, a sample a tick: what rates and curves are made of. Pure. */
import { totalLag, worstLagSeconds } from "../../monitoring/lag-totals.ts";
import type { EngineStatus } from "../../monitoring/status.ts";

/** A minute at one sample a second: as much as a curve can show on a narrow terminal. */
export const SAMPLES_MAX = 60;
/** Sets are committed every 50 ms or, on a slow disk, every few seconds: a rate of one second would jump. */
const RATE_WINDOW_MS = 5_000;

interface ActorSample {
	readonly busyMs: number;
	readonly records: number;
}

export interface Sample {
	/** Monotonic. */
	readonly atMs: number;
	readonly consumed: number;
	readonly stored: number;
	readonly deadLettersByReason: Readonly<Record<string, number>>;
	readonly committingMs: number;
	/** Over all partitions; null when it is not known of any. */
	readonly lag: number | null;
	/** The largest: an average would hide the one that is stuck. */
	readonly lagSeconds: number | null;
	readonly actors: readonly ActorSample[];
}

/** Oldest first. */
export type History = readonly Sample[];

/** What happened per second lately, and which share of the time was spent working. */
export interface Pace {
	readonly consumedPerSecond: number;
	readonly storedPerSecond: number;
	readonly writerBusy: number;
	readonly actors: readonly { readonly recordsPerSecond: number; readonly busy: number }[];
	/** More than in the window before, for reasons that have grown. */
	readonly newDeadLetters: Readonly<Record<string, number>>;
}

/** The history with one more sample. @param atMs monotonic */
export function observe(history: History, status: EngineStatus, atMs: number): History {
	return [...history, sampleOf(status, atMs)].slice(-SAMPLES_MAX);
}

export function paceOf(history: History): Pace {
	const last = history.at(-1);
	const first = last === undefined ? undefined : windowStart(history, last.atMs);
	if (last === undefined || first === undefined || first === last) return STANDING;
	const elapsedMs = Math.max(1, last.atMs - first.atMs);
	const rate = (from: number, to: number) => (Math.max(0, to - from) * 1_000) / elapsedMs;
	const share = (from: number, to: number) => Math.min(1, Math.max(0, to - from) / elapsedMs);
	return {
		consumedPerSecond: rate(first.consumed, last.consumed),
		storedPerSecond: rate(first.stored, last.stored),
		writerBusy: share(first.committingMs, last.committingMs),
		actors: last.actors.map((actor, shard) => {
			const before = first.actors[shard] ?? actor;
			return {
				recordsPerSecond: rate(before.records, actor.records),
				busy: share(before.busyMs, actor.busyMs),
			};
		}),
		newDeadLetters: Object.fromEntries(
			Object.entries(last.deadLettersByReason).flatMap(([reason, count]) => {
				const more = count - (first.deadLettersByReason[reason] ?? 0);
				return more > 0 ? [[reason, more]] : [];
			}),
		),
	};
}

/** Events a second between each two samples, for a curve. */
export function ratesOf(history: History, total: "consumed" | "stored"): number[] {
	return history.slice(1).map((sample, index) => {
		const before = history[index]!;
		return (Math.max(0, sample[total] - before[total]) * 1_000) / Math.max(1, sample.atMs - before.atMs);
	});
}

const STANDING: Pace = {
	consumedPerSecond: 0,
	storedPerSecond: 0,
	writerBusy: 0,
	actors: [],
	newDeadLetters: {},
};

/** The newest sample that is a window old, else the oldest there is. */
function windowStart(history: History, nowMs: number): Sample | undefined {
	return history.findLast(({ atMs }) => nowMs - atMs >= RATE_WINDOW_MS) ?? history[0];
}

function sampleOf(status: EngineStatus, atMs: number): Sample {
	const { totals, actors } = status;
	return {
		atMs,
		consumed: totals.consumed,
		stored: totals.stored + totals.deadLetters,
		deadLettersByReason: totals.deadLettersByReason,
		committingMs: totals.committingMs,
		lag: totalLag(status),
		lagSeconds: worstLagSeconds(status),
		actors: actors.map(({ busyMs, recordsPosted }) => ({ busyMs, records: recordsPosted })),
	};
}
