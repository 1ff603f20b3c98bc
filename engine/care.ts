import type { OffsetRange } from "../workers/messages.ts";
import type { Assignment } from "./assignment.ts";
import { Condemned } from "./condemned.ts";
import { messageOf, type RefusedRowError } from "./core-errors.ts";
import type { Crew } from "./crew.ts";
import type { Accepted, Ledger } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Pauses } from "./pauses.ts";
import type { ActorPort, Clock } from "./ports.ts";
import { Suspicion, type Trial } from "./suspicion.ts";

/** Whether a lost actor counts against the budget of losses. */
type Counts = "counts" | "explained" | "hopeless";

/**
 * Steps 10 and 11 as the supervisor sees them: one message must not stop a partition, whether Postgres refuses it or it
 * kills its actor. Keeps the lists that the actors are told, and holds Kafka back while a message is tried alone.
 */
export class Care {
	readonly #assignment: Assignment;
	readonly #ledger: Pick<Ledger, "idle">;
	readonly #pauses: Pauses;
	readonly #actors: Pick<ActorPort, "inHand">;
	readonly #crew: Pick<Crew, "care">;
	readonly #log: Log;
	readonly #condemned = new Condemned();
	readonly #suspicion: Suspicion;
	/** Partitions paused by us. */
	#held: readonly number[] = [];

	constructor(parts: {
		assignment: Assignment;
		ledger: Pick<Ledger, "idle">;
		pauses: Pauses;
		actors: Pick<ActorPort, "inHand">;
		crew: Pick<Crew, "care">;
		limits: Pick<Limits, "condemnedMax" | "condemnedWindowMs">;
		clock: Pick<Clock, "monotonicMs">;
		log: Log;
	}) {
		this.#assignment = parts.assignment;
		this.#ledger = parts.ledger;
		this.#pauses = parts.pauses;
		this.#actors = parts.actors;
		this.#crew = parts.crew;
		this.#log = parts.log.child({ component: "care" });
		this.#suspicion = new Suspicion(parts.limits, parts.clock);
	}

	/** Suspects are with the actors: a silent one is given less time. */
	get suspects(): boolean {
		return this.#suspicion.suspects.length > 0;
	}

	/** Postgres refused a row. True when its record is a dead letter from now on; a recovery must follow in any case. */
	refused(error: RefusedRowError): boolean {
		const record = this.#condemned.refused(error);
		if (record === null) return false;
		this.#tell();
		const { partition, offset } = record;
		this.#log.error(
			{ partition, offset, code: error.code },
			`Postgres refuses the event at offset ${offset} of partition ${partition} (${error.code}: ${messageOf(error)}): ` +
				"it becomes a dead letter (pg_value)",
		);
		return true;
	}

	/** An actor is lost. A recovery must follow in any case. */
	lost(shard: number): Counts {
		const verdict = this.#suspicion.lost(shard, this.#uncommitted(), this.#actors.inHand(shard));
		switch (verdict.kind) {
			case "loss":
				return "counts";
			case "suspected":
				this.#log.warn(
					{ suspects: this.#suspicion.suspects },
					"a second actor was lost at the same offsets: reading them as suspects",
				);
				this.#tell();
				return "counts";
			case "accused":
			case "on_trial":
				this.#log.warn(
					verdict.place,
					`actor ${shard} died with offset ${verdict.place.offset} of partition ${verdict.place.partition} in hand: ` +
						"trying that message alone",
				);
				return "explained";
			case "condemned": {
				const { partition, offset, detail } = this.#condemned.condemn(verdict.record);
				this.#tell();
				this.#log.error(
					{ partition, offset },
					`the message at offset ${offset} of partition ${partition} ${detail}: it becomes a dead letter (actor_crash)`,
				);
				return "explained";
			}
			case "too_many":
				return "hopeless";
		}
	}

	recovered(): void {
		this.#suspicion.recovered();
	}

	accepted(accepted: Accepted): void {
		this.#suspicion.accepted(accepted);
	}

	forget(partitions: readonly number[]): void {
		this.#suspicion.forget(partitions);
	}

	/** Everything below these offsets is durable: by a commit of ours, or because a claim says so. */
	passed(durable: readonly { readonly partition: number; readonly to: number }[]): void {
		let shorter = false;
		for (const { partition, to } of durable) {
			shorter = this.#condemned.passed(partition, to) || shorter;
			shorter = this.#suspicion.passed(partition, to) || shorter;
		}
		if (!shorter) return;
		this.#tell();
		if (!this.suspects && this.#condemned.records.length === 0) {
			this.#log.info({}, "the records that needed care are stored: reading goes on as ever");
		}
	}

	/** Where a batch of this partition must be cut; null: nowhere. */
	cut(partition: number, expected: number): number | null {
		return this.#suspicion.cut(partition, expected);
	}

	/** A batch that was under way when its partition was held. */
	holds(partition: number): boolean {
		return this.#suspicion.accused !== null && this.#trial().holds(partition);
	}

	/** Holds what must wait for a trial, and lets go what need not. True when the trial needs a recovery first. */
	holdForTrial(): boolean {
		if (this.#suspicion.accused === null && this.#held.length === 0) return false;
		const trial = this.#trial();
		const owned = this.#assignment.all().map(({ partition }) => partition);
		const held = owned.filter((partition) => trial.holds(partition));
		for (const partition of this.#held) {
			if (!held.includes(partition)) this.#pauses.remove("suspect", partition);
		}
		// Again and again, since a claim or a recovery resets the reasons of a partition.
		for (const partition of held) this.#pauses.add("suspect", partition);
		this.#held = held;
		return trial.needsFreshActors;
	}

	#trial(): Trial {
		return this.#suspicion.trial((partition) => this.#assignment.get(partition), this.#ledger.idle);
	}

	#tell(): void {
		this.#crew.care(this.#condemned.records, this.#suspicion.suspects);
	}

	#uncommitted(): OffsetRange[] {
		return this.#assignment
			.all()
			.filter(({ durable, expected }) => durable >= 0 && expected > durable)
			.map(({ partition, durable, expected }) => ({ partition, from: durable, to: expected }));
	}
}
