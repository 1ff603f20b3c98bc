import type { FromActor } from "../workers/messages.ts";
import { DeadlineError, FencedError } from "./core-errors.ts";
import type { Credit } from "./credits.ts";
import type { InvalidWindow } from "./invalid-window.ts";
import type { Accepted, Ledger, PendingSet } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Clock, CommitPhases, CommitSet, Store, Timer } from "./ports.ts";

/** Far below the deadline of a step: a set of twice the size would pass as well. */
const QUICK_COMMIT_SECONDS = 5;
/**
 * Events are gathered for at least this many times as long as those steps of the last commit took that cost about the same
 * whatever its size: they are then at most a third of the writer's time, on a slow disk too. To go by the whole commit
 * would make sets, and so commits, grow the more the faster events come.
 */
const GATHER_PER_COMMIT = 2;
/** One slow commit says little about the next: it does not make anybody wait longer than this. */
const STRETCHED_MS_MAX = 1_000;

/** Carries set numbers to the writer, one at a time and in order; the ledger owns the sets. */
export interface SetQueue {
	push(set: number): void;
}

export interface FlusherParts {
	readonly ledger: Ledger;
	/** Bytes in sets that are not committed. */
	readonly credit: Credit;
	readonly limits: Pick<Limits, "flushRowsMax" | "flushBytesMax" | "flushIntervalMs">;
	readonly clock: Clock;
	readonly store: Pick<Store, "commit">;
	/** Made with the function that commits one set; it must call it for one set after the other. */
	readonly queue: (commit: (set: number) => Promise<void>) => SetQueue;
	/** Judges how much of the input is bad (step 12). */
	readonly invalid: InvalidWindow;
	readonly calls: FlusherCalls;
}

/** What the supervisor does for the flusher. */
export interface FlusherCalls {
	/** Posts what is packed, then the barrier behind it, to every actor. */
	barrier(set: number): void;
	/** The current run; a result that belongs to another one is not acted upon. */
	incarnation(): number;
	committed(set: CommitSet, done: PendingSet, phases: CommitPhases): void;
	/** A commit was answered in an incarnation that is over: durable, but whoever claims next decides what it means. */
	committedLate(set: CommitSet, phases: CommitPhases): void;
	failed(reason: "fenced" | "flush_failed", error: unknown): void;
	/** What follows a commit threw: our bug. */
	broken(error: unknown): void;
	/** Something moved: look again at what is due. */
	act(): void;
}

/**
 * Steps 6 to 8: when a set is frozen, who has answered its barrier, and the one commit under way.
 */
export class Flusher {
	readonly #parts: FlusherParts;
	readonly #queue: SetQueue;
	#timer: { readonly handle: Timer; readonly dueAtMs: number } | null = null;
	#lastFixedMs = 0;

	constructor(parts: FlusherParts) {
		this.#parts = parts;
		this.#queue = parts.queue((set) => this.#commit(set).catch((error) => parts.calls.broken(error)));
	}

	accept(accepted: Accepted): void {
		const { ledger, credit, clock } = this.#parts;
		ledger.accept(accepted, clock.monotonicMs());
		credit.take(accepted.bytes);
		// The timer runs while Kafka is paused too: a set below its size must not wait for records that cannot come.
		this.#wakeAt(ledger.open!.openedAtMs + this.#gatherMs);
	}

	/**
	 * Freezes the open set if its rows, bytes or age say so, or if `now`; at most one set waits behind the one in COMMIT.
	 */
	freezeIfDue(now: boolean): void {
		const { ledger, credit, limits, clock, calls } = this.#parts;
		const open = ledger.open;
		if (open === null || ledger.waiting !== null) return;
		const agedAtMs = open.openedAtMs + this.#gatherMs;
		const due =
			now ||
			open.records >= limits.flushRowsMax ||
			// Sets become smaller with a credit that was squeezed.
			open.bytes >= Math.min(limits.flushBytesMax, credit.bytesMax / 4) ||
			clock.monotonicMs() >= agedAtMs;
		if (due) {
			const frozen = ledger.freeze();
			if (frozen !== null) calls.barrier(frozen.set);
		} else {
			this.#wakeAt(agedAtMs);
		}
	}

	/**
	 * How long a set is gathered, in ms, when it does not become full before. While another one is in COMMIT it could not
	 * be written yet, and may as well grow.
	 */
	get #gatherMs(): number {
		const { ledger, limits } = this.#parts;
		const perCommitMs = ledger.committing === null ? this.#lastFixedMs * GATHER_PER_COMMIT : STRETCHED_MS_MAX;
		return Math.max(limits.flushIntervalMs, Math.min(perCommitMs, STRETCHED_MS_MAX));
	}

	/** Looks again at this time (monotonic, ms), or earlier; the end of a commit is a look of its own. */
	#wakeAt(dueAtMs: number): void {
		if (this.#timer !== null && this.#timer.dueAtMs <= dueAtMs) return;
		this.#timer?.handle.cancel();
		const { clock, calls } = this.#parts;
		const handle = clock.after(Math.max(0, dueAtMs - clock.monotonicMs()), () => {
			this.#timer = null;
			calls.act();
		});
		this.#timer = { handle, dueAtMs };
	}

	/** An actor's answer to a barrier. */
	frozen(message: FromActor & { kind: "frozen" }): void {
		if (this.#parts.ledger.part(message.set, message.part)) this.#queue.push(message.set);
	}

	/** Partitions are no longer ours; what is not in COMMIT is dropped. */
	forget(partitions: readonly number[]): void {
		this.#parts.credit.giveBack(this.#parts.ledger.forget(partitions));
	}

	/** Recovery: everything uncommitted is dropped. Returns how many records will be read again. */
	drop(): number {
		this.#parts.credit.clear();
		return this.#parts.ledger.drop();
	}

	async #commit(set: number): Promise<void> {
		const { ledger, credit, clock, store, invalid, calls } = this.#parts;
		const incarnation = calls.incarnation();
		try {
			const sealed = ledger.take(set, clock.monotonicMs());
			if (sealed === null) return;
			const recent = invalid.judge(sealed);
			// The place behind the set in COMMIT is free: the next one may be frozen while this one is written.
			calls.act();
			const phases = await store.commit(sealed, recent);
			const done = ledger.committed(set);
			if (done === null || incarnation !== calls.incarnation()) {
				calls.committedLate(sealed, phases);
				return;
			}
			this.#lastFixedMs = (phases.lock + phases.merge + phases.commit) * 1000;
			credit.giveBack(done.bytes);
			if (phases.total < QUICK_COMMIT_SECONDS) credit.relax();
			invalid.committed(sealed);
			calls.committed(sealed, done, phases);
		} catch (error) {
			if (incarnation !== calls.incarnation()) return;
			// A Postgres that is slow, not dead, would be given the same again, and never finish.
			if (error instanceof DeadlineError) credit.squeeze(ledger.committing?.bytes ?? 0);
			calls.failed(error instanceof FencedError ? "fenced" : "flush_failed", error);
		}
		calls.act();
	}
}
