import type { Assignment, OwnedPartition } from "./assignment.ts";
import type { Accepted } from "./ledger.ts";
import type { RecordIdentity, SourceBatch } from "./ports.ts";
import { identityOf, type Router } from "./router.ts";

/** What the supervisor does about a batch that could not be accepted. */
export interface IntakeTrouble {
	/** First batch in a row that is not at our position: ask for the position again. */
	seek(owned: OwnedPartition): void;
	/** Second in a row: asking did not help (K10, K32). */
	positionLost(owned: OwnedPartition): void;
	/** The record counted last is another one now: the topic was deleted and created again (K33). */
	recreated(owned: OwnedPartition, found: RecordIdentity): void;
	/** The records at our position cannot be decoded. */
	unreadable(owned: OwnedPartition, reason: string): void;
	/** The record counted last, at `offset`, is not in the log any more; identity could not be checked. */
	unverified(owned: OwnedPartition, offset: number): void;
}

/**
 * The position fence (step 4): a batch is accepted only at `expected`, within one tick, and `expected` moves with it.
 * That alone makes stale batches, repeated batches and silent jumps of the consumer harmless.
 */
export class Intake {
	readonly #assignment: Assignment;
	readonly #router: Router;
	readonly #accept: (accepted: Accepted) => void;
	readonly #trouble: IntakeTrouble;
	readonly #cut: (partition: number, expected: number) => number | null;

	constructor(parts: {
		assignment: Assignment;
		router: Router;
		accept: (accepted: Accepted) => void;
		trouble: IntakeTrouble;
		/** The offset at which a batch of this partition must end, so that a suspect comes alone; null: anywhere. */
		cut: (partition: number, expected: number) => number | null;
	}) {
		this.#assignment = parts.assignment;
		this.#router = parts.router;
		this.#accept = parts.accept;
		this.#trouble = parts.trouble;
		this.#cut = parts.cut;
	}

	/** Returns the bytes now held by the open set, or null when the batch was dropped. */
	batch(batch: SourceBatch): { records: number; bytes: number } | null {
		const owned = this.#assignment.get(batch.partition);
		if (owned === undefined || !owned.accepts) return null;
		if (batch.fetchedOffset !== owned.position) {
			this.#mismatch(owned);
			return null;
		}
		owned.mismatches = 0;
		if (batch.unreadable !== undefined) {
			this.#trouble.unreadable(owned, batch.unreadable);
			return null;
		}
		owned.unreadable = 0;
		let standing = false;
		if (owned.verify !== null) {
			if (!batch.records.next()) return null;
			standing = true;
			if (!this.#verified(owned, owned.verify, identityOf(batch.records))) return null;
		}
		const from = owned.expected;
		const cut = this.#cut(owned.partition, from);
		const isCut = cut !== null && cut < batch.nextOffset;
		const { partition, epoch } = owned;
		const routed = this.#router.route(
			batch.records,
			partition,
			epoch,
			from,
			standing,
			isCut ? cut : undefined,
		);
		// The read-back may cover offsets that were counted long ago; it never moves the position backwards.
		owned.expected = Math.max(from, isCut ? cut : batch.nextOffset);
		if (isCut) this.#trouble.seek(owned);
		else batch.resolve();
		if (owned.expected > from) {
			this.#accept({ partition, epoch, from, to: owned.expected, ...routed });
		}
		return routed;
	}

	/** A fetch without a record for us: the offsets are a gap, and the position moves over them (K29, K32). */
	skipped(partition: number, fetchedOffset: number, lastOffset: number): void {
		const owned = this.#assignment.get(partition);
		if (owned === undefined || !owned.accepts) return;
		if (fetchedOffset !== owned.position) {
			this.#mismatch(owned);
			return;
		}
		owned.mismatches = 0;
		if (owned.verify !== null) {
			this.#trouble.unverified(owned, owned.verify.offset);
			owned.verify = null;
			owned.enter("running");
		}
		const from = owned.expected;
		owned.expected = Math.max(from, lastOffset + 1);
		if (owned.expected === from) return;
		const { epoch, expected: to } = owned;
		this.#accept({ partition, epoch, from, to, records: 0, bytes: 0, first: null, last: null });
	}

	#verified(owned: OwnedPartition, counted: RecordIdentity, found: RecordIdentity): boolean {
		if (found.offset === counted.offset) {
			if (found.timestampMs !== counted.timestampMs || !Buffer.from(found.hash).equals(counted.hash)) {
				this.#trouble.recreated(owned, found);
				return false;
			}
		} else {
			this.#trouble.unverified(owned, counted.offset);
		}
		owned.verify = null;
		owned.enter("running");
		return true;
	}

	#mismatch(owned: OwnedPartition): void {
		owned.mismatches++;
		if (owned.mismatches === 1) this.#trouble.seek(owned);
		else this.#trouble.positionLost(owned);
	}
}
