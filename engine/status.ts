import type { Meter } from "../monitoring/meter.ts";
import type { EngineStatus, PartitionStatus, SetStatus } from "../monitoring/status.ts";
import type { OwnedPartition } from "./assignment.ts";
import { lagOf, lagSecondsOf } from "./lag.ts";
import type { PendingSet } from "./ledger.ts";
import type { Supervisor } from "./supervisor.ts";
import type { SupervisorParts } from "./supervisor-parts.ts";

/** What the engine knows of itself beyond its supervisor. */
export interface Identity {
	readonly version: string;
	readonly topic: string;
	readonly groupId: string;
	readonly clusterId: string | null;
}

/** Builds `/api/status` from the parts the supervisor writes; reads only. */
export class StatusReporter {
	readonly #parts: SupervisorParts;
	readonly #supervisor: Supervisor;
	readonly #identity: Identity;
	readonly #meter: Meter;
	/** Since when each partition has had lag; noted at every look, forgotten with the lag. */
	readonly #lagSinceMs = new Map<number, number>();

	constructor(parts: SupervisorParts, supervisor: Supervisor, identity: Identity, meter: Meter) {
		this.#parts = parts;
		this.#supervisor = supervisor;
		this.#identity = identity;
		this.#meter = meter;
	}

	status(): EngineStatus {
		const { assignment, ledger, watch, setCredit, limits, tally, clock } = this.#parts;
		const nowMs = clock.nowMs();
		const owned = assignment.all().sort((a, b) => a.partition - b.partition);
		for (const partition of [...this.#lagSinceMs.keys()]) {
			if (assignment.get(partition) === undefined) this.#lagSinceMs.delete(partition);
		}
		return {
			...this.#identity,
			pid: process.pid,
			state: this.#supervisor.state,
			notReady: this.#notReady(owned),
			startedAtMs: tally.startedAtMs,
			incarnation: this.#supervisor.incarnation,
			partitions: owned.map((partition) => this.#partition(partition, nowMs)),
			actors: watch.status(),
			sets: {
				open: this.#set(ledger.open),
				waiting: this.#set(ledger.waiting),
				committing: this.#set(ledger.committing),
			},
			credit: {
				actorBytes: watch.credit.bytes,
				actorBytesMax: limits.actorBytesMax,
				setBytes: setCredit.bytes,
				setBytesMax: setCredit.bytesMax,
			},
			openHours: tally.lastHours,
			flush: tally.flushStatus(ledger.waiting === null ? 0 : 1),
			latency: this.#meter.latency,
			kafka: { trouble: this.#kafkaTroubles()[0] ?? null },
			postgres: {
				trouble: this.#postgresTroubles(owned)[0] ?? null,
				oldestSnapshotSeconds: this.#supervisor.watchdog.oldestSnapshotSeconds,
			},
			invalid: { ...this.#parts.invalid.counts, ratioMax: this.#parts.invalid.ratioMax },
			totals: {
				consumed: this.#meter.consumed,
				stored: tally.stored,
				deadLetters: tally.deadLetters,
				deadLettersByReason: { ...tally.deadLettersByReason },
				late: this.#meter.late,
				committingMs: this.#meter.committingMs,
				recoveries: tally.recoveries,
				rebalances: tally.rebalances,
			},
		};
	}

	#notReady(owned: readonly OwnedPartition[]): string[] {
		const { state } = this.#supervisor;
		const reasons: string[] = [];
		if (state !== "running") reasons.push(STATE_REASONS[state]);
		reasons.push(...this.#postgresTroubles(owned), ...this.#kafkaTroubles());
		for (const partition of owned) {
			if (partition.phase === "halted") {
				reasons.push(`partition ${partition.partition} is halted: ${partition.haltReason}`);
			}
		}
		return reasons;
	}

	#kafkaTroubles(): string[] {
		const { groupSilentMs, watchdog } = this.#supervisor;
		const troubles: string[] = [];
		if (watchdog.kafkaTrouble !== null) troubles.push(`Kafka does not answer: ${watchdog.kafkaTrouble}`);
		if (groupSilentMs > this.#parts.limits.groupSilenceMsMax) {
			troubles.push(`Kafka's consumer group has not answered for ${Math.round(groupSilentMs / 1000)} s`);
		}
		return troubles;
	}

	#postgresTroubles(owned: readonly OwnedPartition[]): string[] {
		const { ledger, limits, clock, tally } = this.#parts;
		const { postgresTrouble } = this.#supervisor.watchdog;
		const troubles: string[] = [];
		if (postgresTrouble !== null) troubles.push(`Postgres does not take writes: ${postgresTrouble}`);
		const committingMs = ledger.committingMs(clock.monotonicMs());
		if (committingMs > limits.flushSilenceMsMax) {
			troubles.push(`a flush has not ended for ${Math.round(committingMs / 1000)} s`);
		}
		const { failures, lastError } = tally.flushStatus(0);
		// The claim between two commits that fail succeeds; and a quiet topic has nothing to try again.
		if (failures > 0 && owned.some((one) => (this.#lagOf(one) ?? 0) > 0)) {
			troubles.push(`Postgres does not take what is to be stored: ${lastError}`);
		}
		return troubles;
	}

	#partition(owned: OwnedPartition, nowMs: number): PartitionStatus {
		const reading = this.#supervisor.watchdog.watermarks;
		const watermarks = reading?.of.get(owned.partition);
		const lag = this.#lagOf(owned);
		if (lag === null || lag === 0) this.#lagSinceMs.delete(owned.partition);
		else if (!this.#lagSinceMs.has(owned.partition)) this.#lagSinceMs.set(owned.partition, nowMs);
		const pending = this.#parts.ledger.oldestPendingMs(owned.partition);
		const since = this.#lagSinceMs.get(owned.partition) ?? null;
		return {
			partition: owned.partition,
			state: owned.phase,
			pausedReasons: this.#supervisor.pauses.reasonsOf(owned.partition),
			haltReason: owned.haltReason,
			epoch: owned.epoch < 0 ? null : owned.epoch,
			expectedOffset: owned.expected < 0 ? null : owned.expected,
			durableOffset: owned.durable < 0 ? null : owned.durable,
			lowWatermark: watermarks?.low ?? null,
			highWatermark: watermarks?.high ?? null,
			watermarksAtMs: watermarks === undefined ? null : (reading?.atMs ?? null),
			lag,
			lagSeconds: lag === null ? null : lagSecondsOf(lag, pending, since, nowMs),
			newestEventMs: owned.newestEventMs,
			lastRecordMs: owned.lastRecordMs,
		};
	}

	#lagOf(owned: OwnedPartition): number | null {
		const watermarks = this.#supervisor.watchdog.watermarks?.of.get(owned.partition);
		return owned.durable >= 0 && watermarks !== undefined ? lagOf(owned.durable, watermarks) : null;
	}

	#set(set: PendingSet | null): SetStatus | null {
		if (set === null) return null;
		const ageMs = Math.round(this.#parts.clock.monotonicMs() - set.openedAtMs);
		return { set: set.set, records: set.records, bytes: set.bytes, ageMs };
	}
}

const STATE_REASONS = {
	starting: "has not joined the consumer group yet",
	recovering: "recovering: claiming its partitions again",
	stopping: "stopping",
	stopped: "stopped",
	failed: "failed",
	running: "",
} as const;
