/**
 * The supervisor: decides, and only decides. It never parses a payload and never does arithmetic on events.
 *
 * Callbacks of Kafka, the actors and the timers note what happened; `#act` looks at the whole and acts. Two things
 * cannot wait for it and happen in their callback: pausing in `joined` (an await is too late, K4), and routing in
 * `batch` (position and assignment must not change in between, K8). Steps are numbered as in ARCHITECTURE.md.
 */
import type { EngineState } from "../monitoring/status.ts";
import type { FromActor, ToActor } from "../workers/messages.ts";
import type { ActorWatch } from "./actor-watch.ts";
import type { Assignment, OwnedPartition } from "./assignment.ts";
import { Claimer } from "./claimer.ts";
import { InvariantError, isRetryable, messageOf } from "./core-errors.ts";
import type { Credit } from "./credits.ts";
import { Flusher, type SetQueue } from "./flusher.ts";
import { Intake } from "./intake.ts";
import type { Judgement } from "./judge-claim.ts";
import type { Ledger, PendingSet } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Observer } from "./observer.ts";
import { Pauses } from "./pauses.ts";
import type {
	ActorListener,
	ActorPort,
	Claim,
	Clock,
	CommitPhases,
	CommitSet,
	Source,
	SourceBatch,
	SourceListener,
	Store,
	Timer,
	Watermarks,
} from "./ports.ts";
import { RecoveryGate } from "./recovery-gate.ts";
import { Router } from "./router.ts";
import type { Tally } from "./tally.ts";

/** Work beside the path of an event: merged, retried, never waited for. */
export interface SideJobs {
	/** Postgres has counted up to these offsets. */
	publish(durable: ReadonlyMap<number, number>): void;
	/** Newest event seen, in ms since 1970: its day and the next ones are wanted as partitions. */
	days(newestEventMs: number): void;
}

export interface SupervisorParts {
	readonly limits: Limits;
	readonly clock: Clock;
	readonly source: Source;
	readonly store: Store;
	readonly actors: ActorPort;
	readonly queue: (commit: (set: number) => Promise<void>) => SetQueue;
	readonly jobs: SideJobs;
	readonly observer: Observer;
	readonly log: Log;
	/** Shared with whoever reports the status; written by the supervisor alone. */
	readonly assignment: Assignment;
	readonly ledger: Ledger;
	readonly watch: ActorWatch;
	readonly setCredit: Credit;
	readonly tally: Tally;
}

/** Watermarks as read from the brokers at one moment. */
export interface WatermarkReading {
	readonly atMs: number;
	readonly of: ReadonlyMap<number, Watermarks>;
}

export class Supervisor implements SourceListener, ActorListener {
	readonly pauses: Pauses;
	readonly #parts: SupervisorParts;
	readonly #router: Router;
	readonly #intake: Intake;
	readonly #claimer: Claimer;
	readonly #flusher: Flusher;
	readonly #gate: RecoveryGate;
	readonly #onFatal: (error: unknown) => void;
	#state: EngineState = "starting";
	#incarnation = 1;
	#actorsBeingReplaced = 0;
	#backoff: Timer | null = null;
	#tick: Timer | null = null;
	#watermarks: WatermarkReading | null = null;
	#postgresTrouble: string | null = null;
	#onIdle: (() => void) | null = null;

	/** `onFatal`: what cannot be recovered from; the process must end. Called at most once. */
	constructor(parts: SupervisorParts, onFatal: (error: unknown) => void) {
		this.#parts = parts;
		this.#onFatal = onFatal;
		const { limits, clock, source, store, actors, assignment, ledger, watch } = parts;
		this.pauses = new Pauses(source);
		this.#gate = new RecoveryGate(limits);
		this.#router = new Router(actors.count, limits, clock, (shard, slice) => {
			watch.posted(shard, slice.byteLength);
			actors.post(shard, { kind: "slice", incarnation: this.#incarnation, slice }, [
				slice.values,
				slice.meta,
				slice.index,
			]);
		});
		this.#flusher = new Flusher({
			ledger,
			credit: parts.setCredit,
			limits,
			clock,
			store,
			queue: parts.queue,
			calls: {
				barrier: (set) => {
					this.#router.flush();
					this.#postAll({ kind: "freeze", incarnation: this.#incarnation, set });
				},
				incarnation: () => this.#incarnation,
				committed: (set, done, phases) => this.#committed(set, done, phases),
				committedLate: (set, phases) => parts.observer.committed(parts.tally.committed(set, null, phases)),
				failed: (reason, error) => {
					parts.tally.flushFailed(error);
					parts.observer.flushFailed(reason);
					this.#recover(reason, error);
				},
				act: () => this.#act(),
			},
		});
		this.#claimer = new Claimer({
			assignment,
			source,
			store,
			calls: {
				incarnation: () => this.#incarnation,
				claimed: (owned, claim, judgement) => this.#claimed(owned, claim, judgement),
				done: (watermarks) => this.#claimsDone(watermarks),
				failed: (error) => this.#recover("claim_failed", error),
				act: () => this.#act(),
			},
		});
		this.#intake = new Intake({
			assignment,
			router: this.#router,
			accept: (accepted) => this.#flusher.accept(accepted),
			trouble: {
				seek: (owned) => source.seek(owned.partition, owned.position),
				positionLost: (owned) => this.#positionLost(owned),
				recreated: (owned, found) =>
					this.#haltPartition(
						owned,
						`the record at offset ${found.offset} is not the one that was counted there: ` +
							"the topic was deleted and created again under the same name",
					),
				unverified: (owned, offset) => this.#unverified(owned, offset),
			},
		});
	}

	get state(): EngineState {
		return this.#state;
	}

	get incarnation(): number {
		return this.#incarnation;
	}

	/** Why Postgres did not take writes when it was last asked; null when it did. */
	get postgresTrouble(): string | null {
		return this.#postgresTrouble;
	}

	get watermarks(): WatermarkReading | null {
		return this.#watermarks;
	}

	/** Actors first, Kafka last: nothing is delivered before somebody can fold it. */
	async start(): Promise<void> {
		await this.#parts.actors.start(this);
		this.#postAll({ kind: "drop", incarnation: this.#incarnation });
		this.#scheduleTick();
		await this.#parts.source.start(this);
	}

	/** Step 13: no new records; resolves when everything read is committed or dropped. The group is left by the caller. */
	drain(): Promise<void> {
		if (this.#state === "failed" || this.#state === "stopped") return Promise.resolve();
		this.#enter("stopping");
		this.pauses.add("stopping");
		return new Promise((resolve) => {
			this.#onIdle = resolve;
			this.#act();
		});
	}

	/** Nothing is decided from now on. */
	halt(): void {
		if (this.#state !== "failed") this.#enter("stopped");
		this.#tick?.cancel();
		this.#backoff?.cancel();
		this.#router.drop();
	}

	// ---- what happened: Kafka

	/** Step 1. */
	joined(partitions: readonly number[]): void {
		const { assignment, source, observer, log, tally } = this.#parts;
		const { kept, lost } = assignment.join(partitions);
		if (lost.length > 0) this.#forget(lost);
		for (const partition of kept) {
			const owned = assignment.get(partition)!;
			owned.mismatches = 0;
			if (owned.accepts) source.seek(partition, owned.position);
			this.pauses.remove("position", partition);
		}
		this.pauses.assign(partitions, kept);
		this.#gate.joined();
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
		if (this.#state !== "running") return;
		const { clock, observer } = this.#parts;
		const startedMs = clock.monotonicMs();
		const routed = this.#intake.batch(batch);
		if (routed === null) return;
		observer.consumed(routed.records);
		observer.batchProcessed((clock.monotonicMs() - startedMs) / 1000);
		this.#act();
	}

	skipped(partition: number, firstOffset: number | null, lastOffset: number): void {
		if (this.#state !== "running") return;
		const count = this.#intake.skipped(partition, firstOffset, lastOffset);
		if (count > 0) this.#parts.observer.gap(partition, count);
		this.#act();
	}

	heartbeat(): void {
		if (this.#gate.open) return;
		this.#gate.heartbeat();
		this.#act();
	}

	/** The source tells of it only when it gives up by itself; it has its own budget for crashes. */
	crashed(error: Error): void {
		this.#fail(error);
	}

	// ---- what happened: actors

	message(shard: number, message: FromActor): void {
		if (message.kind === "folded") {
			this.#parts.watch.folded(shard, message.byteLength, message.busyMs);
		} else if (message.kind === "frozen" && message.incarnation === this.#incarnation) {
			try {
				this.#flusher.frozen(message);
			} catch (error) {
				this.#fail(error);
			}
		}
		this.#act();
	}

	/** Step 11, without suspect mode: a new thread, and everything uncommitted is read again. */
	lost(shard: number, error: Error): void {
		if (this.#state === "stopped" || this.#state === "failed") return;
		const { watch, actors, observer, log } = this.#parts;
		log.error(
			{ component: "actor", actor: shard, err: error },
			`actor ${shard} is lost: ${messageOf(error)}`,
		);
		if (!watch.lost(shard)) {
			this.#fail(new Error(`actors keep dying; the last one: ${messageOf(error)}`, { cause: error }));
			return;
		}
		observer.actorRestarted(shard);
		this.#actorsBeingReplaced++;
		actors
			.replace(shard)
			.then(
				() => actors.post(shard, { kind: "drop", incarnation: this.#incarnation }),
				(cause) => this.#fail(cause),
			)
			.finally(() => {
				this.#actorsBeingReplaced--;
				this.#act();
			});
		this.#recover("actor_lost", error);
	}

	// ---- what is done about it

	#act(): void {
		if (this.#state === "stopped" || this.#state === "failed") return;
		try {
			this.#press("actors", this.#parts.watch.credit.full);
			this.#press("flush", this.#parts.setCredit.full);
			if (this.#mayClaim()) this.#claimer.startIfDue();
			this.#flusher.freezeIfDue(this.#state === "stopping");
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

	#mayClaim(): boolean {
		return (
			this.#state !== "stopping" &&
			this.#gate.open &&
			this.#backoff === null &&
			this.#actorsBeingReplaced === 0
		);
	}

	/** Step 2, the answer: whatever was held for the partition is forgotten everywhere; the row says where to go on. */
	#claimed(owned: OwnedPartition, claim: Claim, judgement: Judgement): void {
		this.#forget([owned.partition]);
		if (judgement.kind === "halt") {
			this.#haltPartition(owned, judgement.reason);
			return;
		}
		owned.adopt(judgement.verify ? claim : { ...claim, last: null });
		if (claim.last !== null && !judgement.verify) this.#unverified(owned, claim.last.offset);
		this.#parts.source.seek(owned.partition, owned.position);
		this.pauses.remove("claim", owned.partition);
	}

	#claimsDone(watermarks: ReadonlyMap<number, Watermarks>): void {
		this.#watermarks = { atMs: this.#parts.clock.nowMs(), of: watermarks };
		if (this.#state === "stopping") return;
		if (this.#state === "recovering")
			this.#parts.log.info({ component: "recovery" }, "recovered: reading goes on");
		this.#enter("running");
		this.pauses.remove("recovery");
	}

	#committed(set: CommitSet, done: PendingSet, phases: CommitPhases): void {
		const { assignment, jobs, tally, observer } = this.#parts;
		const newest = newestEventMsOf(set);
		for (const range of set.ranges) {
			const owned = assignment.get(range.partition);
			if (range.gaps > 0) observer.gap(range.partition, range.gaps);
			if (owned === undefined || owned.epoch !== range.epoch) continue;
			owned.durable = range.to;
			owned.lastRecordMs = range.last?.timestampMs ?? owned.lastRecordMs;
			const eventMs = newest.get(range.partition);
			if (eventMs !== undefined) owned.newestEventMs = Math.max(eventMs, owned.newestEventMs ?? eventMs);
		}
		this.#gate.healed();
		const partitions = set.ranges.map(({ partition, epoch }) => ({ partition, epoch }));
		this.#postAll({ kind: "stored", incarnation: this.#incarnation, set: set.set, partitions });
		jobs.publish(new Map(set.ranges.map((range) => [range.partition, range.to])));
		if (newest.size > 0) jobs.days(Math.max(...newest.values()));
		observer.committed(tally.committed(set, done, phases));
	}

	#forget(partitions: readonly number[]): void {
		// What is packed goes first, so that `forget` is behind it on every port.
		this.#router.flush();
		this.#postAll({ kind: "forget", incarnation: this.#incarnation, partitions });
		this.#flusher.forget(partitions);
	}

	#haltPartition(owned: OwnedPartition, reason: string): void {
		owned.haltReason = reason;
		owned.enter("halted");
		this.pauses.add("halted", owned.partition);
		this.#parts.log.error(
			{ component: "claim", partition: owned.partition },
			`partition ${owned.partition} is halted: ${reason}`,
		);
	}

	#unverified(owned: OwnedPartition, offset: number): void {
		this.#parts.log.warn(
			{ component: "claim", partition: owned.partition, offset },
			"the last counted record is not in the log any more (retention or compaction): whether the topic is still " +
				"the same could not be verified",
		);
	}

	/** Asking for the position once did not help: either it is outside the log, or the consumer is confused (K10, K32). */
	#positionLost(owned: OwnedPartition): void {
		if (this.pauses.reasonsOf(owned.partition).includes("position")) return;
		this.pauses.add("position", owned.partition);
		const { source, log } = this.#parts;
		source
			.watermarks()
			.then((watermarks) => {
				if (!owned.accepts) return undefined;
				const found = watermarks.get(owned.partition);
				if (found === undefined || owned.expected < found.low || owned.expected > found.high) {
					this.#haltPartition(
						owned,
						`offset ${owned.expected} is outside of Kafka's log (${found?.low} to ${found?.high}): offset_out_of_range`,
					);
					return undefined;
				}
				log.warn(
					{ component: "kafka", partition: owned.partition },
					"the consumer lost its position; building a new one",
				);
				return source.rebuild();
			})
			.catch((error) => this.#recover("position_lost", error));
	}

	/**
	 * Step 9, the one path back: drop everything uncommitted everywhere, throw the connections away, and ask the rows.
	 * Nothing is sent again, nothing is kept, nothing is guessed.
	 */
	#recover(reason: string, error: unknown): void {
		if (this.#state === "stopped" || this.#state === "failed") return;
		if (!isRetryable(error)) {
			this.#fail(error);
			return;
		}
		const { assignment, clock, store, tally, observer, log } = this.#parts;
		if (this.#state !== "stopping") this.#enter("recovering");
		this.#incarnation++;
		this.pauses.add("recovery");
		const records = this.#flusher.drop();
		this.#router.drop();
		for (const owned of assignment.all()) {
			owned.release();
			this.pauses.reset(owned.partition);
		}
		this.#postAll({ kind: "drop", incarnation: this.#incarnation });
		store.reset();
		const delayMs = this.#gate.close(clock.random());
		this.#backoff?.cancel();
		this.#backoff = clock.after(delayMs, () => {
			this.#backoff = null;
			this.#act();
		});
		tally.recoveries++;
		tally.abandonedRecords += this.#state === "stopping" ? records : 0;
		observer.recovered(reason);
		log.warn(
			{ component: "recovery", reason, records, tries: this.#gate.tries, delayMs: Math.round(delayMs) },
			`${messageOf(error)}; dropped ${records} uncommitted records, claiming again from what Postgres says`,
		);
		this.#act();
	}

	#fail(error: unknown): void {
		if (this.#state === "stopped" || this.#state === "failed") return;
		this.#enter("failed");
		this.pauses.add("stopping");
		this.#parts.store.reset();
		this.#onIdle?.();
		this.#onIdle = null;
		this.#onFatal(error);
	}

	#scheduleTick(): void {
		const { clock, limits, watch } = this.#parts;
		this.#tick = clock.after(limits.watermarkIntervalMs, () => {
			for (const shard of watch.silent()) {
				this.lost(shard, new Error(`no answer for ${limits.actorSilenceMsMax} ms while it had work`));
			}
			const asked = [this.#readWatermarks(), this.#pingPostgres()];
			void Promise.all(asked).finally(() => {
				if (this.#state !== "stopped" && this.#state !== "failed") this.#scheduleTick();
			});
		});
	}

	async #readWatermarks(): Promise<void> {
		const { source, clock, log } = this.#parts;
		try {
			this.#watermarks = { of: await source.watermarks(), atMs: clock.nowMs() };
		} catch (error) {
			log.debug({ component: "kafka", err: error }, "could not read the watermarks");
		}
	}

	async #pingPostgres(): Promise<void> {
		try {
			await this.#parts.store.ping();
			this.#postgresTrouble = null;
		} catch (error) {
			this.#postgresTrouble = messageOf(error);
		}
	}

	#postAll(message: ToActor): void {
		for (let shard = 0; shard < this.#parts.actors.count; shard++) this.#parts.actors.post(shard, message);
	}

	#enter(state: EngineState): void {
		if (state === this.#state) return;
		if (!NEXT_STATES[this.#state].includes(state)) {
			throw new InvariantError(`the engine cannot go from ${this.#state} to ${state}`);
		}
		this.#state = state;
	}
}

const NEXT_STATES: Readonly<Record<EngineState, readonly EngineState[]>> = {
	starting: ["running", "recovering", "stopping", "stopped", "failed"],
	running: ["recovering", "stopping", "stopped", "failed"],
	recovering: ["running", "stopping", "stopped", "failed"],
	stopping: ["stopped", "failed"],
	stopped: [],
	failed: [],
};

/** Newest event of each partition in a set, in ms since 1970. */
function newestEventMsOf(set: CommitSet): Map<number, number> {
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
