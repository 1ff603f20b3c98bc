/**
 * The event: its five types, what each must carry, and the JSON Schema that says so to others.
 *
 * Two rules no JSON Schema can express are checked after it (validate.ts) and told in the descriptions: the day
 * must exist in the calendar, and an amount must be whole cents (`multipleOf: 0.01` fails on binary fractions).
 */
import { type Static, type TSchema, Type } from "typebox";
import { AMOUNT_EXCLUSIVE_MAX, SESSION_ID_MAX, USER_ID_CODE_POINTS_MAX } from "./limits.ts";

/** All event types. The position is the `typeIndex` of an event and the order of all counts by type. */
export const EVENT_TYPES = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Name of the published schema; a URN, since nothing has to be fetched from anywhere. */
export const EVENT_SCHEMA_ID = "urn:lottery-engine:event";

const YEAR = "(?:19[7-9][0-9]|[2-9][0-9]{3})";
const DATE = `${YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])`;
const TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?";
const ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))";

/** All of `event_time` but the lengths of the months; time.ts reads the same language. */
export const EVENT_TIME_PATTERN = `^${DATE}T${TIME}${ZONE}?$`;

/** With the flag `u` the class meets lone surrogates only, never the halves of a pair. */
const USER_ID_PATTERN = "^[^\\u0000\\ud800-\\udfff]*$";

const eventTime = Type.String({
	pattern: EVENT_TIME_PATTERN,
	description:
		"When it happened: ISO 8601 with seconds, a real calendar day, years 1970 to 9999 as written. Without a zone it is UTC. A fraction is truncated to microseconds.",
});

const userId = Type.String({
	minLength: 1,
	maxLength: USER_ID_CODE_POINTS_MAX,
	pattern: USER_ID_PATTERN,
	description: "Who: 1 to 256 code points, no U+0000, no lone surrogate. Also the message key.",
});

const sessionId = Type.Integer({
	minimum: 0,
	maximum: SESSION_ID_MAX,
	description: "The user's session, a safe integer.",
});

const amount = Type.Number({
	minimum: 0,
	exclusiveMaximum: AMOUNT_EXCLUSIVE_MAX,
	description:
		"Money in the platform's currency, in whole cents: 12.34, 12.340 and 1e2 are fine, 12.345 is not.",
});

function event<const T extends EventType, P extends TSchema>(type: T, payload: P, description: string) {
	return Type.Object({ event_type: Type.Literal(type), event_time: eventTime, payload }, { description });
}

const plainPayload = Type.Object(
	{ user_id: userId, session_id: sessionId },
	{ description: "An amount here is ignored, whatever it holds." },
);

const moneyPayload = Type.Object({ user_id: userId, session_id: sessionId, amount });

/** One schema per event type. Unknown extra fields are allowed everywhere. */
export const EVENT_SCHEMAS = {
	login: event("login", plainPayload, "A user opened a session."),
	view_numbers: event("view_numbers", plainPayload, "A user looked at numbers."),
	ticket_purchased: event("ticket_purchased", moneyPayload, "A user bought a ticket: amount is revenue."),
	claim_reward: event("claim_reward", moneyPayload, "A user was paid a reward: amount is a payout."),
	logout: event("logout", plainPayload, "A user closed a session."),
} as const satisfies Record<EventType, TSchema>;

/** A valid event as it is written in JSON. */
export type LotteryEvent = { [T in EventType]: Static<(typeof EVENT_SCHEMAS)[T]> }[EventType];

/** Whether events of this type carry an `amount`. */
export function hasAmount(type: EventType): boolean {
	return "amount" in EVENT_SCHEMAS[type].properties.payload.properties;
}

/**
 * The published JSON Schema (draft-07), a fresh plain object. The validator compiles this very document, each
 * type by its pointer `#/definitions/<event_type>` and everything else by `#/definitions/envelope`.
 */
export function eventJsonSchema(): Record<string, unknown> {
	const envelope = Type.Object(
		{ event_type: Type.Enum([...EVENT_TYPES], { description: "Decides what else is required." }) },
		{ description: "What every event has, whatever its type." },
	);
	return JSON.parse(
		JSON.stringify({
			$schema: "http://json-schema.org/draft-07/schema#",
			$id: EVENT_SCHEMA_ID,
			title: "Lottery event",
			description:
				"One user event of the lottery platform. Unknown extra fields are allowed and ignored. Two rules go beyond this schema: the day of event_time must exist, and amount must be whole cents.",
			anyOf: EVENT_TYPES.map((type) => ({ $ref: `#/definitions/${type}` })),
			definitions: { envelope, ...EVENT_SCHEMAS },
		}),
	);
}
