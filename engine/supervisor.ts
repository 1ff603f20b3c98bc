/**
 * The supervisor: decides, and only decides. It never parses a payload and never does arithmetic on events.
 *
 * Callbacks of Kafka, the actors and the timers note what happened; `#act` looks at the whole and acts. Two things
 * cannot wait for it and happen in their callback: pausing in `joined` (an await is too late, K4), and routing in
 * `batch` (position and assignment must not change in between, K8). Steps are numbered as in ARCHITECTURE.md.
 */
import type { EngineState } from "../monitoring/status.ts";
import { BrokenPartitionError, codeOf, isRetryable, messageOf, RefusedRowError } from "./core-errors.ts";
import type { PendingSet } from "./ledger.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { Pauses } from "./pauses.ts";
import type { Claim, CommitPhases, CommitSet, SourceBatch, SourceListener, Watermarks } from "./ports.ts";
import type { SupervisorParts } from "./supervisor-parts.ts";
import { createRoles, type RecoveryReason, type Roles } from "./supervisor-roles.ts";
import { newestEventMsOf } from "./tally.ts";
import type { Watchdog } from "./watchdog.ts";

/** So many recoveries in a row without a commit are for a person to see. */
const ALARM_TRIES = 5;

/** Causes within this process: they say nothing about whether the group still counts us in. */
export const OUR_OWN_REASONS: readonly RecoveryReason[] = ["actor_lost", "suspect", "poison", "invariant"];

/** The deciding loop over the parts; each part knows its own rules, none of them another. */
export class Supervisor implements SourceListener {
	readonly #parts: SupervisorParts;
	readonly #roles: Roles;
	readonly #life = new Lifecycle();
	readonly #onFatal: (error: unknown) => void;
	#onIdle: (() => void) | null = null;
	/** Monotonic time of the group's last sign of life: a join or an answered heartbeat. */
	#groupSignMs: number | null = null;

	/** `onFatal`: what cannot be recovered from; the process must end. Called at most once. */
	constructor(parts: SupervisorParts, onFatal: (error: unknown) => void) {
		this.#parts = parts;
		this.#onFatal = onFatal;
		parts.store.onLost = (error) => this.#recover("connection_lost", error);
		this.#roles = createRoles(parts, {
			act: () => this.#act(),
			guarded: (note) => this.#guarded(note),
			recover: (reason, error) => this.#recover(reason, error),
			fail: (error) => this.#fail(error),
			watermarks: (watermarks) => this.#unstall(watermarks),
			claimed: (owned, claim, judgement) => {
				this.#forget([owned.partition]);
				this.#roles.care.passed([{ partition: owned.partition, to: claim.nextOffset }]);
				this.#roles.positions.claimed(owned, claim, judgement);
			},
			claimsDone: (claims, watermarks) => this.#claimsDone(claims, watermarks),
			committed: (set, done, phases) => this.#committed(set, done, phases),
			flushFailed: (reason, error) => this.#flushFailed(reason, error),
		});
	}

	get pauses(): Pauses {
		return this.#roles.pauses;
	}

	get watchdog(): Watchdog {
		return this.#roles.watchdog;
	}

	get state(): EngineState {
		return this.#life.state;
	}

	/** How long the group has said nothing, in ms; 0 before the first join. */
	get groupSilentMs(): number {
		return this.#groupSignMs === null ? 0 : this.#parts.clock.monotonicMs() - this.#groupSignMs;
	}

	get incarnation(): number {
		return this.#roles.recovery.incarnation;
	}

	/** Actors first, Kafka last: nothing is delivered before somebody can fold it. */
	async start(): Promise<void> {
		await this.#roles.crew.start();
		this.watchdog.start();
		await this.#parts.source.start(this);
	}

	/** Step 13: no new records; resolves when everything read is committed or dropped. The group is left by the caller. */
	drain(): Promise<void> {
		if (this.#life.over) return Promise.resolve();
		this.#life.enter("stopping");
		this.pauses.add("stopping");
		return new Promise((resolve) => {
			this.#onIdle = resolve;
			this.#act();
		});
	}

	/** Nothing is decided from now on. */
	halt(): void {
		if (this.#life.state !== "failed") this.#life.enter("stopped");
		this.watchdog.stop();
		this.#roles.recovery.stop();
		this.#roles.router.drop();
	}

	// ---- what happened: Kafka

	/** Step 1. */
	joined(partitions: readonly number[]): void {
		const { assignment, observer, log, tally } = this.#parts;
		const { kept, lost } = assignment.join(partitions);
		if (lost.length > 0) {
			this.#forget(lost);
			this.#roles.care.forget(lost);
		}
		for (const partition of kept) this.#roles.positions.kept(assignment.get(partition)!);
		this.pauses.assign(partitions, kept);
		this.#roles.recovery.joined();
		this.#groupSignMs = this.#parts.clock.monotonicMs();
		tally.rebalances++;
		observer.rebalanced();
		log.info(
			{ component: "group", partitions, kept: [...kept], lost },
			`joined the group with ${partitions.length} partitions (${kept.size} kept, ${lost.length} lost)`,
		);
		this.#act();
	}

	/** Step 4. */
	batch(batch: SourceBatch): void {
		if (this.#life.state !== "running" || this.#roles.care.holds(batch.partition)) return;
		const { clock, observer } = this.#parts;
		const startedMs = clock.monotonicMs();
		this.#guarded(() => {
			const routed = this.#roles.intake.batch(batch);
			if (routed === null) return;
			observer.consumed(routed.records);
			observer.batchProcessed((clock.monotonicMs() - startedMs) / 1000);
		});
	}

	skipped(partition: number, fetchedOffset: number, lastOffset: number): void {
		if (this.#life.state !== "running" || this.#roles.care.holds(partition)) return;
		this.#guarded(() => this.#roles.intake.skipped(partition, fetchedOffset, lastOffset));
	}

	heartbeat(): void {
		this.#groupSignMs = this.#parts.clock.monotonicMs();
		if (this.#roles.recovery.heartbeat()) this.#act();
	}

	/** The source tells of it only when it gives up by itself; it has its own budget for crashes. */
	crashed(error: Error): void {
		this.#fail(error);
	}

	// ---- what is done about it

	/** Notes something, then acts. A throw is our bug, and must not end in a library that would try again. */
	#guarded(note: () => void): void {
		try {
			note();
		} catch (error) {
			if (error instanceof BrokenPartitionError) this.#recover("invariant", error);
			else this.#fail(error);
			return;
		}
		this.#act();
	}

	#act(): void {
		if (this.#life.over) return;
		try {
			this.#press("actors", this.#parts.watch.credit.full);
			this.#press("flush", this.#parts.setCredit.full);
			if (this.#roles.care.holdForTrial()) {
				this.#recover("suspect", new Error("actors must hold nothing else when a suspect is tried"));
				return;
			}
			if (this.#mayClaim()) this.#claimIfDue();
			this.#roles.flusher.freezeIfDue(this.#life.state === "stopping");
		} catch (error) {
			this.#fail(error);
			return;
		}
		if (this.#onIdle !== null && this.#parts.ledger.idle) {
			const onIdle = this.#onIdle;
			this.#onIdle = null;
			onIdle();
		}
	}

	#press(reason: "actors" | "flush", full: boolean): void {
		if (full === this.pauses.has(reason)) return;
		if (full) this.pauses.add(reason);
		else this.pauses.remove(reason);
	}

	#claimIfDue(): void {
		const { assignment } = this.#parts;
		// A member without partitions is a stand-by: ready, with nothing to claim.
		if (assignment.number > 0 && assignment.all().length === 0) this.#claimsDone([], new Map());
		else this.#roles.claimer.startIfDue();
	}

	#unstall(watermarks: ReadonlyMap<number, Watermarks>): void {
		if (this.#life.state !== "running") return;
		const error = this.#roles.positions.unstall(watermarks, this.#parts.clock.monotonicMs());
		if (error !== null) this.#recover("log_shrank", error);
	}

	#mayClaim(): boolean {
		return this.#life.state !== "stopping" && this.#roles.recovery.mayClaim && this.#roles.crew.isWhole;
	}

	#claimsDone(claims: readonly Claim[], watermarks: ReadonlyMap<number, Watermarks>): void {
		this.#parts.invalid.adopt(claims);
		if (watermarks.size > 0) this.watchdog.note(watermarks);
		if (this.#life.state === "stopping") return;
		if (this.#life.state === "recovering") {
			this.#parts.log.info({ component: "recovery" }, "recovered: reading goes on");
		}
		this.#life.enter("running");
		this.pauses.remove("recovery");
	}

	#committed(set: CommitSet, done: PendingSet, phases: CommitPhases): void {
		const { assignment, jobs, tally, observer } = this.#parts;
		const newest = newestEventMsOf(set);
		assignment.committed(set.ranges, newest);
		for (const { partition, gaps } of set.ranges) if (gaps > 0) observer.gap(partition, gaps);
		this.#roles.recovery.healed();
		this.#roles.care.passed(set.ranges);
		const partitions = set.ranges.map(({ partition, epoch }) => ({ partition, epoch }));
		this.#roles.crew.stored(set.set, partitions);
		jobs.publish(new Map(set.ranges.map((range) => [range.partition, range.to])));
		if (newest.size > 0) jobs.days(Math.max(...newest.values()));
		observer.committed(tally.committed(set, done, phases));
	}

	#flushFailed(reason: "fenced" | "flush_failed", error: unknown): void {
		this.#parts.tally.flushFailed(error);
		this.#parts.observer.flushFailed(reason === "fenced" ? reason : codeOf(error));
		const isPoison = error instanceof RefusedRowError && this.#roles.care.refused(error);
		// One record less to be refused is progress: the next try need not wait longer than this one.
		if (isPoison) this.#roles.recovery.healed();
		this.#recover(isPoison ? "poison" : error instanceof BrokenPartitionError ? "invariant" : reason, error);
	}

	#forget(partitions: readonly number[]): void {
		// What is packed goes first, so that `forget` is behind it on every port.
		this.#roles.router.flush();
		this.#roles.crew.forget(partitions);
		this.#roles.flusher.forget(partitions);
	}

	/**
	 * Step 9, the one path back: drop everything uncommitted everywhere, throw the connections away, and ask the rows.
	 * Nothing is sent again, nothing is kept, nothing is guessed.
	 */
	#recover(reason: RecoveryReason, error: unknown): void {
		if (this.#life.over) return;
		if (!isRetryable(error)) {
			this.#fail(error);
			return;
		}
		const { assignment, store, tally, observer, log } = this.#parts;
		if (error instanceof BrokenPartitionError) this.#roles.positions.sealOff(error);
		if (this.#life.state !== "stopping") this.#life.enter("recovering");
		const delayMs = this.#roles.recovery.begin(!OUR_OWN_REASONS.includes(reason));
		this.pauses.add("recovery");
		const records = this.#roles.flusher.drop();
		this.#roles.router.drop();
		for (const owned of assignment.all()) {
			if (owned.sealedOff) continue;
			owned.release();
			this.pauses.reset(owned.partition);
		}
		this.#roles.crew.drop();
		this.#roles.care.recovered();
		store.reset();
		tally.recoveries++;
		tally.abandonedRecords += this.#life.state === "stopping" ? records : 0;
		observer.recovered(reason);
		const { tries } = this.#roles.recovery;
		log[tries < ALARM_TRIES ? "warn" : "error"](
			{ component: "recovery", reason, records, tries, delayMs: Math.round(delayMs) },
			`${messageOf(error)}; dropped ${records} uncommitted records, claiming again from what Postgres says`,
		);
		this.#act();
	}

	#fail(error: unknown): void {
		if (this.#life.over) return;
		this.#life.enter("failed");
		this.#parts.store.reset();
		this.pauses.add("stopping");
		this.#onIdle?.();
		this.#onIdle = null;
		this.#onFatal(error);
	}
}
