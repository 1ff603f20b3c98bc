/**
 * The supervisor: decides, and only decides. It never parses a payload and never does arithmetic on events.
 *
 * Callbacks of Kafka, the actors and the timers note what happened; `#act` looks at the whole and acts. Two things
 * cannot wait for it and happen in their callback: pausing in `joined` (an await is too late, K4), and routing in
 * `batch` (position and assignment must not change in between, K8). Steps are numbered as in ARCHITECTURE.md.
 */
import type { EngineState } from "../monitoring/status.ts";
import { Care } from "./care.ts";
import { Claimer } from "./claimer.ts";
import { BrokenPartitionError, codeOf, isRetryable, messageOf, RefusedRowError } from "./core-errors.ts";
import { Crew } from "./crew.ts";
import { Flusher } from "./flusher.ts";
import { Intake } from "./intake.ts";
import type { PendingSet } from "./ledger.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Pauses } from "./pauses.ts";
import type { CommitPhases, CommitSet, SourceBatch, SourceListener, Watermarks } from "./ports.ts";
import { Positions } from "./positions.ts";
import { Recovery } from "./recovery.ts";
import { Router } from "./router.ts";
import type { SupervisorParts } from "./supervisor-parts.ts";
import { newestEventMsOf } from "./tally.ts";
import { Watchdog } from "./watchdog.ts";

/** Why a recovery begins; a label of its metric. */
export const RECOVERY_REASONS = [
	"fenced",
	"flush_failed",
	"claim_failed",
	"actor_lost",
	"position_lost",
	"log_shrank",
	"poison",
	"suspect",
	"invariant",
	"connection_lost",
] as const;

type RecoveryReason = (typeof RECOVERY_REASONS)[number];

/** The deciding loop over the parts; each part knows its own rules, none of them another. */
export class Supervisor implements SourceListener {
	readonly pauses: Pauses;
	readonly watchdog: Watchdog;
	readonly #parts: SupervisorParts;
	readonly #crew: Crew;
	readonly #router: Router;
	readonly #intake: Intake;
	readonly #claimer: Claimer;
	readonly #flusher: Flusher;
	readonly #recovery: Recovery;
	readonly #positions: Positions;
	readonly #care: Care;
	readonly #life = new Lifecycle();
	readonly #onFatal: (error: unknown) => void;
	#onIdle: (() => void) | null = null;
	/** Monotonic time of the group's last sign of life: a join or an answered heartbeat. */
	#groupSignMs: number | null = null;

	/** `onFatal`: what cannot be recovered from; the process must end. Called at most once. */
	constructor(parts: SupervisorParts, onFatal: (error: unknown) => void) {
		this.#parts = parts;
		this.#onFatal = onFatal;
		const { limits, clock, source, store, actors, assignment, ledger } = parts;
		this.pauses = new Pauses(source);
		store.onLost = (error) => this.#recover("connection_lost", error);
		this.watchdog = new Watchdog({
			...parts,
			suspects: () => this.#care.suspects,
			onSilent: (shard, error) => this.#crew.lost(shard, error),
			onWatermarks: (watermarks) => this.#unstall(watermarks),
		});
		this.#positions = new Positions({
			...parts,
			pauses: this.pauses,
			onFailure: (error) => this.#recover("position_lost", error),
		});
		this.#recovery = new Recovery(limits, clock, () => this.#act());
		this.#crew = new Crew({
			...parts,
			calls: {
				incarnation: () => this.incarnation,
				frozen: (message) => this.#guarded(() => this.#flusher.frozen(message)),
				judge: (shard) => this.#care.lost(shard),
				lost: (error) => this.#recover("actor_lost", error),
				broken: (error) => this.#fail(error),
				act: () => this.#act(),
			},
		});
		this.#care = new Care({ ...parts, pauses: this.pauses, crew: this.#crew });
		this.#router = new Router(actors.count, limits, clock, (shard, slice) => this.#crew.slice(shard, slice));
		this.#flusher = new Flusher({
			ledger,
			credit: parts.setCredit,
			limits,
			clock,
			store,
			queue: parts.queue,
			invalid: parts.invalid,
			calls: {
				barrier: (set) => {
					this.#router.flush();
					this.#crew.barrier(set);
				},
				incarnation: () => this.incarnation,
				committed: (set, done, phases) => this.#committed(set, done, phases),
				committedLate: (set, phases) => parts.observer.committed(parts.tally.committed(set, null, phases)),
				failed: (reason, error) => this.#flushFailed(reason, error),
				broken: (error) => this.#fail(error),
				act: () => this.#act(),
			},
		});
		this.#claimer = new Claimer({
			assignment,
			source,
			store,
			calls: {
				incarnation: () => this.incarnation,
				claimed: (owned, claim, judgement) => {
					this.#forget([owned.partition]);
					this.#positions.claimed(owned, claim, judgement);
				},
				done: (claims, watermarks) => {
					parts.invalid.adopt(claims);
					this.watchdog.note(watermarks);
					this.#claimsDone();
				},
				failed: (error) => this.#recover("claim_failed", error),
				act: () => this.#act(),
			},
		});
		this.#intake = new Intake({
			assignment,
			router: this.#router,
			accept: (accepted) => {
				this.#care.accepted(accepted);
				this.#flusher.accept(accepted);
			},
			trouble: this.#positions,
			cut: (partition, expected) => this.#care.cut(partition, expected),
		});
	}

	get state(): EngineState {
		return this.#life.state;
	}

	/** How long the group has said nothing, in ms; 0 before the first join. */
	get groupSilentMs(): number {
		return this.#groupSignMs === null ? 0 : this.#parts.clock.monotonicMs() - this.#groupSignMs;
	}

	get incarnation(): number {
		return this.#recovery.incarnation;
	}

	/** Actors first, Kafka last: nothing is delivered before somebody can fold it. */
	async start(): Promise<void> {
		await this.#crew.start();
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
		this.#recovery.stop();
		this.#router.drop();
	}

	// ---- what happened: Kafka

	/** Step 1. */
	joined(partitions: readonly number[]): void {
		const { assignment, observer, log, tally } = this.#parts;
		const { kept, lost } = assignment.join(partitions);
		if (lost.length > 0) {
			this.#forget(lost);
			this.#care.forget(lost);
		}
		for (const partition of kept) this.#positions.kept(assignment.get(partition)!);
		this.pauses.assign(partitions, kept);
		this.#recovery.joined();
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
		if (this.#life.state !== "running" || this.#care.holds(batch.partition)) return;
		const { clock, observer } = this.#parts;
		const startedMs = clock.monotonicMs();
		this.#guarded(() => {
			const routed = this.#intake.batch(batch);
			if (routed === null) return;
			observer.consumed(routed.records);
			observer.batchProcessed((clock.monotonicMs() - startedMs) / 1000);
		});
	}

	skipped(partition: number, fetchedOffset: number, lastOffset: number): void {
		if (this.#life.state !== "running" || this.#care.holds(partition)) return;
		this.#guarded(() => this.#intake.skipped(partition, fetchedOffset, lastOffset));
	}

	heartbeat(): void {
		this.#groupSignMs = this.#parts.clock.monotonicMs();
		if (this.#recovery.heartbeat()) this.#act();
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
			if (this.#care.holdForTrial()) {
				this.#recover("suspect", new Error("actors must hold nothing else when a suspect is tried"));
				return;
			}
			if (this.#mayClaim()) this.#claimIfDue();
			this.#flusher.freezeIfDue(this.#life.state === "stopping");
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
		if (assignment.number > 0 && assignment.all().length === 0) this.#claimsDone();
		else this.#claimer.startIfDue();
	}

	#unstall(watermarks: ReadonlyMap<number, Watermarks>): void {
		if (this.#life.state !== "running") return;
		const error = this.#positions.unstall(watermarks, this.#parts.clock.monotonicMs());
		if (error !== null) this.#recover("log_shrank", error);
	}

	#mayClaim(): boolean {
		return this.#life.state !== "stopping" && this.#recovery.mayClaim && this.#crew.isWhole;
	}

	#claimsDone(): void {
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
		this.#recovery.healed();
		this.#care.committed(set.ranges);
		const partitions = set.ranges.map(({ partition, epoch }) => ({ partition, epoch }));
		this.#crew.stored(set.set, partitions);
		jobs.publish(new Map(set.ranges.map((range) => [range.partition, range.to])));
		if (newest.size > 0) jobs.days(Math.max(...newest.values()));
		observer.committed(tally.committed(set, done, phases));
	}

	#flushFailed(reason: "fenced" | "flush_failed", error: unknown): void {
		const { tally, observer } = this.#parts;
		tally.flushFailed(error);
		observer.flushFailed(reason === "fenced" ? reason : codeOf(error));
		const isPoison = error instanceof RefusedRowError && this.#care.refused(error);
		// One record less to be refused is progress: the next try need not wait longer than this one.
		if (isPoison) this.#recovery.healed();
		this.#recover(isPoison ? "poison" : error instanceof BrokenPartitionError ? "invariant" : reason, error);
	}

	#forget(partitions: readonly number[]): void {
		// What is packed goes first, so that `forget` is behind it on every port.
		this.#router.flush();
		this.#crew.forget(partitions);
		this.#flusher.forget(partitions);
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
		if (error instanceof BrokenPartitionError) this.#positions.sealOff(error);
		if (this.#life.state !== "stopping") this.#life.enter("recovering");
		const delayMs = this.#recovery.begin();
		this.pauses.add("recovery");
		const records = this.#flusher.drop();
		this.#router.drop();
		for (const owned of assignment.all()) {
			if (owned.sealedOff) continue;
			owned.release();
			this.pauses.reset(owned.partition);
		}
		this.#crew.drop();
		this.#care.recovered();
		store.reset();
		tally.recoveries++;
		tally.abandonedRecords += this.#life.state === "stopping" ? records : 0;
		observer.recovered(reason);
		log.warn(
			{ component: "recovery", reason, records, tries: this.#recovery.tries, delayMs: Math.round(delayMs) },
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
