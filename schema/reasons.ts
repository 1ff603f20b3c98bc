/**
 * Why a message becomes a dead letter: the one list of reason codes. Dashboards, alerts and replay commands
 * name them, so a code is never renamed, only added.
 *
 * A field of the right JSON type whose value is not acceptable has a code of its own (`event_time`, `amount`);
 * everything else about the shape is `schema`, with the failing keyword in `detail` and the place in `pointer`.
 */

/** The step that refused the message, in the order in which a message meets them. */
export type Stage = "decode" | "validate" | "time" | "store" | "actor";

interface ReasonEntry {
	readonly stage: Stage;
	/** One sentence for people. */
	readonly description: string;
}

export const REASONS = {
	null_value: { stage: "decode", description: "The record has no value (a tombstone)." },
	empty_value: { stage: "decode", description: "The record's value has no bytes." },
	utf8: {
		stage: "decode",
		description: "The value is not valid UTF-8, so two different users could read as one.",
	},
	json: {
		stage: "decode",
		description: "The value is not exactly one JSON text; a byte order mark is not JSON either.",
	},
	schema: {
		stage: "validate",
		description:
			"A field is missing, has the wrong type, or is an unknown event_type or an unacceptable user_id or session_id.",
	},
	event_time: {
		stage: "validate",
		description:
			"The string in event_time does not follow the pattern, or names a day the calendar does not have.",
	},
	amount: {
		stage: "validate",
		description: "The number in amount is negative, too large or not whole cents.",
	},
	future_event: {
		stage: "time",
		description: "The event is further ahead of its Kafka record's timestamp than FUTURE_SKEW allows.",
	},
	late_event: {
		stage: "time",
		description:
			"The event is more than LATE_AFTER behind its Kafka record's timestamp, and LATE_POLICY is dead-letter.",
	},
	pg_value: {
		stage: "store",
		description: "Postgres refused this row twice, the second time after a recovery.",
	},
	actor_crash: {
		stage: "actor",
		description: "This message, alone, crashed or hung a fresh worker thread twice.",
	},
} as const satisfies Readonly<Record<string, ReasonEntry>>;

/** A reason code, as stored in `dead_letters.reason`. */
export type Reason = keyof typeof REASONS;

/** The stage that gives this reason, as stored in `dead_letters.stage`. */
export function stageOf(reason: Reason): Stage {
	return REASONS[reason].stage;
}
