import type { CommitReport } from "../monitoring/commit-report.ts";
import type { FlushStatus } from "../monitoring/status.ts";
import { CENTS_CARRY, LATE_AGES, WINDOW, WINDOW_STRIDE } from "../workers/part.ts";
import { messageOf } from "./core-errors.ts";
import type { PendingSet } from "./ledger.ts";
import type { Clock, CommitPhases, CommitSet } from "./ports.ts";

/** What was done so far, for people: totals since the start, and the last flush. */
export class Tally {
	readonly #clock: Pick<Clock, "nowMs">;
	readonly startedAtMs: number;
	stored = 0;
	deadLetters = 0;
	readonly deadLettersByReason: Record<string, number> = {};
	recoveries = 0;
	rebalances = 0;
	/** Records dropped by a recovery while stopping: they were read, and will be read again. */
	abandonedRecords = 0;
	/** Hours that the last set had deltas for. */
	lastHours = 0;
	#lastCommitAtMs: number | null = null;
	#lastDurationMs: number | null = null;
	#lastRows: number | null = null;
	#commits = 0;
	#failures = 0;
	#lastError: string | null = null;

	constructor(clock: Pick<Clock, "nowMs">) {
		this.#clock = clock;
		this.startedAtMs = clock.nowMs();
	}

	/** Adds a committed set up; returns it as the metrics want it. `done` is null when the run that sent it is over. */
	committed(set: CommitSet, done: PendingSet | null, phases: CommitPhases): CommitReport {
		const nowMs = this.#clock.nowMs();
		const eventTypes: number[] = [];
		const deadLetters: Record<string, number> = {};
		let stored = 0;
		let dead = 0;
		let bytes = 0;
		let revenueCents = 0;
		let payoutCents = 0;
		const hours = new Set<number>();
		const lateByAge: Record<string, number> = Object.fromEntries(LATE_AGES.map(({ name }) => [name, 0]));
		for (const part of set.parts) {
			bytes += part.byteLength;
			for (const fold of part.folds) {
				stored += fold.rowCount;
				dead += fold.deadLetterCount;
				for (let at = 0; at < fold.windows.length; at += WINDOW_STRIDE) {
					hours.add(fold.windows[at + WINDOW.hour]!);
					revenueCents += moneyOf(fold.windows, at + WINDOW.revenueHi, at + WINDOW.revenueLo);
					payoutCents += moneyOf(fold.windows, at + WINDOW.payoutHi, at + WINDOW.payoutLo);
				}
				for (const [type, count] of fold.eventTypes.entries()) {
					eventTypes[type] = (eventTypes[type] ?? 0) + count;
				}
				for (const [age, count] of fold.late.entries()) lateByAge[LATE_AGES[age]!.name]! += count;
				for (const [reason, count] of Object.entries(fold.reasons)) {
					deadLetters[reason] = (deadLetters[reason] ?? 0) + count;
					this.deadLettersByReason[reason] = (this.deadLettersByReason[reason] ?? 0) + count;
				}
			}
		}
		this.stored += stored;
		this.deadLetters += dead;
		this.lastHours = hours.size;
		this.#commits++;
		this.#failures = 0;
		this.#lastError = null;
		this.#lastCommitAtMs = nowMs;
		this.#lastDurationMs = phases.total * 1000;
		this.#lastRows = stored + dead;
		return {
			stored,
			deadLetters,
			eventTypes,
			lateByAge,
			revenueCents,
			payoutCents,
			rows: stored + dead,
			bytes,
			phasesSeconds: phases,
			endToEndSeconds: done === null ? [] : endToEndSamples(done, nowMs),
		};
	}

	flushFailed(error: unknown): void {
		this.#failures++;
		this.#lastError = messageOf(error);
	}

	flushStatus(queueDepth: number): FlushStatus {
		return {
			queueDepth,
			lastCommitAtMs: this.#lastCommitAtMs,
			lastDurationMs: this.#lastDurationMs,
			lastRows: this.#lastRows,
			commits: this.#commits,
			failures: this.#failures,
			lastError: this.#lastError,
		};
	}
}

/** Cents as a double, for the metrics: what is stored is added up exactly elsewhere (sink/hourly-deltas.ts). */
function moneyOf(windows: Float64Array, hi: number, lo: number): number {
	return windows[hi]! * CENTS_CARRY + windows[lo]!;
}

/**
 * Kafka timestamp to commit, in seconds: two samples per partition and set (its first and its last record, each
 * standing for half of it), since a sample per event would cost more than folding it.
 */
function endToEndSamples(done: PendingSet, nowMs: number): (readonly [number, number])[] {
	const samples: (readonly [number, number])[] = [];
	for (const range of done.ranges.values()) {
		const half = Math.ceil(range.records / 2);
		const first = range.firstTimestampMs ?? -1;
		const last = range.last?.timestampMs ?? -1;
		if (first >= 0) samples.push([Math.max(0, nowMs - first) / 1000, half]);
		if (last >= 0 && range.records > half)
			samples.push([Math.max(0, nowMs - last) / 1000, range.records - half]);
	}
	return samples;
}

/** Newest event of each partition in a set, in ms since 1970; a partition without a valid event is not in it. */
export function newestEventMsOf(set: CommitSet): Map<number, number> {
	const newest = new Map<number, number>();
	for (const part of set.parts) {
		for (const fold of part.folds) {
			if (fold.rowCount === 0) continue;
			const eventMs = fold.newestEventSeconds * 1000;
			newest.set(fold.partition, Math.max(eventMs, newest.get(fold.partition) ?? eventMs));
		}
	}
	return newest;
}
