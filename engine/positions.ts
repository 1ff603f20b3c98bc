import type { Assignment, OwnedPartition } from "./assignment.ts";
import type { BrokenPartitionError } from "./core-errors.ts";
import type { IntakeTrouble } from "./intake.ts";
import type { Judgement } from "./judge-claim.ts";
import type { Log } from "./log.ts";
import type { Pauses } from "./pauses.ts";
import type { Claim, RecordIdentity, Source, Watermarks } from "./ports.ts";
import { StallWatch } from "./stall-watch.ts";

/** Readings of the same batch until it counts as broken. */
const UNREADABLE_MAX = 3;

/**
 * Where each partition goes on, and when it may not: adopts claims, and halts what does not fit the log in Kafka. A
 * partition is halted for a person to look at; the others go on.
 */
export class Positions implements IntakeTrouble {
	readonly #source: Pick<Source, "seek" | "rebuild" | "watermarks">;
	readonly #assignment: Pick<Assignment, "get" | "all">;
	readonly #stalls = new StallWatch();
	readonly #pauses: Pauses;
	readonly #log: Log;
	readonly #onFailure: (error: unknown) => void;

	/** `onFailure`: Kafka could not say where its log begins and ends. */
	constructor(parts: {
		source: Pick<Source, "seek" | "rebuild" | "watermarks">;
		assignment: Pick<Assignment, "get" | "all">;
		pauses: Pauses;
		log: Log;
		onFailure: (error: unknown) => void;
	}) {
		this.#source = parts.source;
		this.#assignment = parts.assignment;
		this.#pauses = parts.pauses;
		this.#log = parts.log;
		this.#onFailure = parts.onFailure;
	}

	/** Steps 2 and 3: the row says where to go on; then seek and resume. */
	claimed(owned: OwnedPartition, claim: Claim, judgement: Judgement): void {
		if (judgement.kind === "halt") {
			this.halt(owned, judgement.reason);
			return;
		}
		owned.adopt(judgement.verify ? claim : { ...claim, last: null });
		if (claim.last !== null && !judgement.verify) this.unverified(owned, claim.last.offset);
		this.#source.seek(owned.partition, owned.position);
		this.#pauses.remove("claim", owned.partition);
	}

	/** A partition that goes on where it was: after a join kafkajs has forgotten the place (K14). */
	kept(owned: OwnedPartition): void {
		owned.mismatches = 0;
		if (owned.accepts) this.#source.seek(owned.partition, owned.position);
		this.#pauses.remove("position", owned.partition);
	}

	halt(owned: OwnedPartition, reason: string): void {
		const { partition } = owned;
		owned.haltReason = reason;
		owned.enter("halted");
		this.#pauses.add("halted", partition);
		for (const reason of ["claim", "position"] as const) this.#pauses.remove(reason, partition);
		this.#log.error({ component: "claim", partition }, `partition ${partition} is halted: ${reason}`);
	}

	/** What was routed and what came back do not agree: nothing of this partition is stored until a person has looked. */
	sealOff({ partition, message }: BrokenPartitionError): void {
		const owned = this.#assignment.get(partition);
		if (owned === undefined || owned.sealedOff) return;
		owned.sealedOff = true;
		this.halt(
			owned,
			`an invariant does not hold (${message}); nothing wrong was stored, a restart reads it again`,
		);
	}

	seek(owned: OwnedPartition): void {
		this.#source.seek(owned.partition, owned.position);
	}

	/** Asking for the position once did not help: it is outside of the log, or the consumer is confused (K10, K32). */
	positionLost(owned: OwnedPartition): void {
		const { partition } = owned;
		if (this.#pauses.reasonsOf(partition).includes("position")) return;
		this.#pauses.add("position", partition);
		this.#findPosition(owned).catch(this.#onFailure);
	}

	recreated(owned: OwnedPartition, found: RecordIdentity): void {
		this.halt(
			owned,
			`the record at offset ${found.offset} is not the one that was counted there: ` +
				"the topic was deleted and created again under the same name",
		);
	}

	/** A flipped bit on the way is gone with a second reading; what is broken in the log stays so. */
	unreadable(owned: OwnedPartition, reason: string): void {
		owned.unreadable++;
		if (owned.unreadable < UNREADABLE_MAX) {
			const about = { component: "kafka", partition: owned.partition, offset: owned.position };
			this.#log.warn(
				about,
				`the records from offset ${owned.position} on cannot be read (${reason}); asking again`,
			);
			this.seek(owned);
			return;
		}
		this.halt(
			owned,
			`unreadable_batch: the records from offset ${owned.position} on cannot be read: ${reason}`,
		);
	}

	unverified(owned: OwnedPartition, offset: number): void {
		this.#log.warn(
			{ component: "claim", partition: owned.partition, offset },
			"the last counted record is not in the log any more (retention or compaction): whether the topic is still " +
				"the same could not be verified",
		);
	}

	/**
	 * Looks for partitions that flow and bring nothing though there is something (K20), and asks for them again. Returns
	 * an error when a log ends before our position: then only a claim can tell what that means.
	 */
	unstall(watermarks: ReadonlyMap<number, Watermarks>, nowMs: number): Error | null {
		const flowing = this.#assignment
			.all()
			.filter((owned) => owned.accepts && this.#pauses.reasonsOf(owned.partition).length === 0);
		let error: Error | null = null;
		for (const { partition, action } of this.#stalls.look(flowing, watermarks, nowMs)) {
			const about = { component: "kafka", partition, action };
			this.#log.warn(about, `partition ${partition} brings nothing: ${action}`);
			if (action === "seek") this.seek(this.#assignment.get(partition)!);
			else if (action === "rebuild") void this.#source.rebuild("stall");
			else error = new Error(`Kafka's log of partition ${partition} ends before our position`);
		}
		return error;
	}

	async #findPosition(owned: OwnedPartition): Promise<void> {
		const found = (await this.#source.watermarks()).get(owned.partition);
		if (!owned.accepts || this.#assignment.get(owned.partition) !== owned) return;
		if (found !== undefined && owned.verify !== null && owned.verify.offset < found.low) {
			// Retention took the record while it was to be read back; what follows it is still to come.
			this.unverified(owned, owned.verify.offset);
			owned.verify = null;
			owned.enter("running");
			this.kept(owned);
			return;
		}
		if (found === undefined || owned.expected < found.low || owned.expected > found.high) {
			const log = found === undefined ? "gone" : `${found.low} to ${found.high}`;
			this.halt(owned, `offset_out_of_range: ${owned.expected} is outside of Kafka's log (${log})`);
			return;
		}
		this.#log.warn(
			{ component: "kafka", partition: owned.partition },
			"the consumer lost its position; building a new one",
		);
		await this.#source.rebuild("position");
	}
}
