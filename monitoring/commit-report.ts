/** What the supervisor tells the metrics about one committed set. */
import type { WeightedSample } from "./weighted-histogram.ts";

/** How long the steps of one transaction took, in seconds (ARCHITECTURE.md, protocol, step 7). */
export interface FlushPhases {
	/** Locking and moving the offset rows. */
	readonly lock: number;
	readonly copy: number;
	readonly deadLetters: number;
	/** Distinct users and sessions. */
	readonly members: number;
	/** Deltas into the hourly rows. */
	readonly merge: number;
	readonly commit: number;
	readonly total: number;
}

export interface CommitReport {
	/** Events stored by the set. */
	readonly stored: number;
	/** Dead letters of the set by `stage/reason`. */
	readonly deadLetters: Readonly<Record<string, number>>;
	/** Events stored by type, in the order of `EVENT_TYPES` (schema/event.ts). */
	readonly eventTypes: readonly number[];
	/** Events that corrected an older hour, by a bounded name for how late they were. */
	readonly lateByAge?: Readonly<Record<string, number>>;
	/** Sum of the amounts of the stored `ticket_purchased`, in cents; a double, which is exact to 2^53 and for people. */
	readonly revenueCents?: number;
	/** Sum of the amounts of the stored `claim_reward`, in cents. */
	readonly payoutCents?: number;
	/** Rows written by COPY, events and dead letters together. */
	readonly rows: number;
	/** Bytes sent to Postgres. */
	readonly bytes: number;
	readonly phasesSeconds: FlushPhases;
	/** Time from Kafka's record timestamp to the commit, in seconds; a few samples per set, their counts add up to it. */
	readonly endToEndSeconds: readonly WeightedSample[];
	/** Time from Kafka handing a batch over to the commit, in seconds; without it the flush alone is booked. */
	readonly processingSeconds?: readonly WeightedSample[];
}
