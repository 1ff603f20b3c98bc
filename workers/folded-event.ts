/**
 * A valid event as the actor folds it: numbers, and a user id that stays bytes from Kafka to Postgres.
 */
import type { Moment } from "../schema/time.ts";

/**
 * What the engine keeps of a valid event. One object is reused: read it before the next event is taken.
 *
 * The user id is UTF-8 that has been checked: 1 to 256 code points, no U+0000.
 */
export interface FoldedEvent extends Moment {
	/** Position of the type in `EVENT_TYPES`. */
	typeIndex: number;
	/** Safe integer from 0. */
	sessionId: number;
	/** Whole cents from 0, below 10^14; -1 when the type has no amount. */
	cents: number;
	/**
	 * Holds the user id, in `[userStart, userEnd)`, and `USER_TAIL_BYTES` or more of anything behind it. It is part of
	 * something larger, which is not kept after the event.
	 */
	user: Uint8Array<ArrayBuffer>;
	userStart: number;
	userEnd: number;
}

/** Bytes that may be read behind a user id, so that it can be copied by the word. */
export const USER_TAIL_BYTES = 3;

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** A fresh target; its values mean nothing before it is filled. */
export function createFoldedEvent(): FoldedEvent {
	return {
		seconds: 0,
		micros: 0,
		typeIndex: 0,
		sessionId: 0,
		cents: -1,
		user: NO_BYTES,
		userStart: 0,
		userEnd: 0,
	};
}
