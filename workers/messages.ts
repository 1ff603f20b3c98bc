/**
 * The whole conversation between the supervisor and one actor, as types.
 *
 * One `MessagePort` per actor carries it, in order. What is sent behind something else is handled behind it: a
 * `freeze` posted after a slice freezes a set that contains that slice.
 *
 * Every message carries the incarnation: the number of the run between two recoveries (ARCHITECTURE.md, glossary).
 * What belongs to an older incarnation is stale and is dropped by whoever receives it.
 */
import type { FrozenPart } from "./part.ts";
import type { PackedSlice } from "./slice.ts";

/** How the clock of an event is judged against the timestamp of its Kafka record. */
export interface EventTimeRules {
	/** Furthest an event may be ahead of its record, in ms. */
	readonly futureSkewMs: number;
	/** `correct`: a late event corrects its hour. `dead-letter`: one more than `lateAfterMs` behind its record is refused. */
	readonly latePolicy: "correct" | "dead-letter";
	readonly lateAfterMs: number;
}

/** What an actor is told once, when its thread starts. */
export interface ActorSettings {
	/** The actor's share of the users, 0-based. */
	readonly shard: number;
	readonly topic: string;
	readonly rules: EventTimeRules;
	/** Most ids (users and sessions together) kept as known to be in Postgres; more costs memory, fewer cost inserts. */
	readonly storedIdsMax: number;
	/**
	 * Two float64: the partition and the offset of the record being folded, written before it is touched, and -1 between
	 * records. Written for suspects only (`care`); whoever reads it after the thread died knows who it was.
	 */
	readonly currentRecord: SharedArrayBuffer;
}

/** A partition under one claim: everything an actor holds is keyed by this pair first. */
export interface PartitionEpoch {
	readonly partition: number;
	readonly epoch: number;
}

/** Bytes of `ActorSettings.currentRecord`. */
export const CURRENT_RECORD_BYTES = 2 * Float64Array.BYTES_PER_ELEMENT;

/** One record of the topic. */
export interface RecordPlace {
	readonly partition: number;
	readonly offset: number;
}

/** Offsets of a partition, `[from, to)`. */
export interface OffsetRange {
	readonly partition: number;
	readonly from: number;
	readonly to: number;
}

/** A record that becomes a dead letter whatever it holds (steps 10 and 11 of the protocol). */
export interface CondemnedRecord extends RecordPlace {
	readonly reason: "pg_value" | "actor_crash";
	/** For people; no U+0000 and no lone surrogate, since Postgres has to store it. */
	readonly detail: string;
}

export type ToActor =
	/** Records to fold. Its buffers are transferred. */
	| { readonly kind: "slice"; readonly incarnation: number; readonly slice: PackedSlice }
	/** Barrier: answer with everything folded since the last one, then go on with an empty set. */
	| { readonly kind: "freeze"; readonly incarnation: number; readonly set: number }
	/** These partitions are no longer ours, or were claimed anew: drop what is held for them, whatever its epoch. */
	| { readonly kind: "forget"; readonly incarnation: number; readonly partitions: readonly number[] }
	/** Recovery: drop everything, the stored ids too; `incarnation` is the new one. */
	| { readonly kind: "drop"; readonly incarnation: number }
	/** Set `set` is committed for these partitions: its candidates are now known to be stored. */
	| {
			readonly kind: "stored";
			readonly incarnation: number;
			readonly set: number;
			readonly partitions: readonly PartitionEpoch[];
	  }
	/**
	 * The whole lists of condemned records and of suspects, in place of those before. They outlive `drop`: they are why
	 * we replay. Suspects are parsed one by one, the one in hand noted in `currentRecord`.
	 */
	| {
			readonly kind: "care";
			readonly condemned: readonly CondemnedRecord[];
			readonly suspects: readonly OffsetRange[];
	  }
	| { readonly kind: "stop" };

export type FromActor =
	| { readonly kind: "ready" }
	/** One slice is folded: its byte credit comes back. Sent for stale slices too. */
	| {
			readonly kind: "folded";
			readonly incarnation: number;
			/** What the slice was charged with: `PackedSlice.byteLength`. */
			readonly byteLength: number;
			/** Time the fold took on the actor's thread, in ms. */
			readonly busyMs: number;
	  }
	| {
			readonly kind: "frozen";
			readonly incarnation: number;
			readonly set: number;
			readonly part: FrozenPart;
	  };
