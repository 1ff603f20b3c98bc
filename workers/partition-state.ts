/**
 * What one actor has folded of one partition, under one claim, since the last barrier.
 */
import { EVENT_TYPES } from "../schema/event.ts";
import { stageOf } from "../schema/reasons.ts";
import { DeadLetterEncoder, type Refusal } from "./copy-dead-letters.ts";
import { RowEncoder } from "./copy-rows.ts";
import type { FoldedEvent } from "./folded-event.ts";
import { Members } from "./members.ts";
import type { PartitionEpoch } from "./messages.ts";
import { LATE_AGES, type PartitionFold } from "./part.ts";
import type { SliceReader } from "./slice.ts";
import type { StoredIds } from "./stored-ids.ts";
import { hourOf, Windows } from "./windows.ts";

const LATE_AGES_MS = LATE_AGES.map(({ fromSeconds }) => fromSeconds * 1000);
const LATE_MS = LATE_AGES[0].fromSeconds * 1000;

const LOGIN = EVENT_TYPES.indexOf("login");

export class PartitionState implements PartitionEpoch {
	readonly partition: number;
	readonly epoch: number;
	/** Stays in memory after the freeze, until its set is acknowledged. */
	readonly members: Members;
	readonly #rows: RowEncoder;
	readonly #deadLetters: DeadLetterEncoder;
	readonly #windows = new Windows();
	readonly #eventTypes: number[] = EVENT_TYPES.map(() => 0);
	readonly #reasons = new Map<Refusal["reason"], number>();
	readonly #late: number[] = LATE_AGES.map(() => 0);
	#rowCount = 0;
	#deadLetterCount = 0;
	#newestEventSeconds = Number.NEGATIVE_INFINITY;

	constructor(topic: string, { partition, epoch }: PartitionEpoch, stored: StoredIds) {
		this.partition = partition;
		this.epoch = epoch;
		this.members = new Members(stored);
		this.#rows = new RowEncoder(partition);
		this.#deadLetters = new DeadLetterEncoder(topic, partition);
	}

	/** Records taken: each is one row or one dead letter. */
	get recordCount(): number {
		return this.#rowCount + this.#deadLetterCount;
	}

	/** Takes a valid event that stands at `offset`; `timestampMs` is its Kafka record's, negative when it has none. */
	addEvent(event: FoldedEvent, offset: number, timestampMs: number): void {
		const hour = hourOf(event.seconds);
		this.#rows.add(event, offset);
		this.#windows.add(hour, event.typeIndex, event.cents);
		this.members.addUser(hour, event.user, event.userStart, event.userEnd);
		if (event.typeIndex === LOGIN) this.members.addSession(hour, event.sessionId);
		this.#eventTypes[event.typeIndex]! += 1;
		if (event.seconds > this.#newestEventSeconds) this.#newestEventSeconds = event.seconds;
		const behindMs = timestampMs - event.seconds * 1000;
		if (behindMs >= LATE_MS && timestampMs >= 0) this.#addLate(behindMs);
		this.#rowCount++;
	}

	/** A backlog of old events is all late, so this is a walk over four numbers and no closure. */
	#addLate(behindMs: number): void {
		let age = LATE_AGES.length - 1;
		while (behindMs < LATE_AGES_MS[age]!) age--;
		this.#late[age]! += 1;
	}

	/** Takes the record the reader stands on as a dead letter. */
	addDeadLetter(record: SliceReader, refusal: Refusal): void {
		this.#deadLetters.add(record, refusal);
		this.#reasons.set(refusal.reason, (this.#reasons.get(refusal.reason) ?? 0) + 1);
		this.#deadLetterCount++;
	}

	/** Everything taken, in buffers that may be given away. Only `members` may be used afterwards. */
	freeze(): PartitionFold {
		return {
			partition: this.partition,
			epoch: this.epoch,
			rowCount: this.#rowCount,
			rows: this.#rows.take(),
			deadLetterCount: this.#deadLetterCount,
			deadLetters: this.#deadLetters.take(),
			reasons: Object.fromEntries(
				[...this.#reasons].map(([reason, count]) => [`${stageOf(reason)}/${reason}`, count]),
			),
			eventTypes: this.#eventTypes,
			windows: this.#windows.freeze(),
			users: this.members.userColumns(),
			sessions: this.members.sessionColumns(),
			newestEventSeconds: this.#newestEventSeconds,
			late: this.#late,
		};
	}
}
