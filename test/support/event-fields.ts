/** Any event that the validator could have accepted, as the fields the encoders read. */
import fc from "fast-check";
import { EVENT_TYPES } from "../../schema/event.ts";
import type { EventFields } from "../../schema/validate.ts";
import type { FoldedEvent } from "../../workers/folded-event.ts";

/** The same event as actors hold it: its user in the middle of other bytes. */
export function foldedEvent({ userId, ...fields }: EventFields): FoldedEvent {
	const padding = "<padding>";
	const user = new TextEncoder().encode(`${padding}${userId}${padding}`);
	return { ...fields, user, userStart: padding.length, userEnd: user.length - padding.length };
}

/** 1970 less the furthest zone to the end of 9999 plus it. */
const SECONDS_MIN = -50_400;
const SECONDS_MAX = 253_402_351_199;

const storable = (id: string) => !id.includes("\0") && [...id].length <= 256;

export const userId = fc.oneof(
	fc.stringMatching(/^user_[0-9]{1,7}$/),
	fc.string({ minLength: 1, maxLength: 256 }).filter(storable),
	fc.string({ unit: "binary", minLength: 1, maxLength: 256 }).filter(storable),
	// What text COPY has to escape.
	fc.constantFrom(
		"\\",
		"\\N",
		"\t",
		"\n",
		"\r",
		"\\.",
		"a\\b\tc\nd\re",
		"\b\f\v",
		"'\"",
		"\ufeff",
		"𝔘".repeat(256),
	),
);

export const eventFields: fc.Arbitrary<EventFields> = fc
	.record({
		typeIndex: fc.nat(EVENT_TYPES.length - 1),
		userId,
		sessionId: fc.oneof(fc.nat(100_000), fc.maxSafeNat()),
		cents: fc.oneof(fc.nat(100_000), fc.nat(10 ** 14 - 1)),
		seconds: fc.oneof(
			fc.integer({ min: 1_748_000_000, max: 1_749_000_000 }),
			fc.integer({ min: SECONDS_MIN, max: SECONDS_MAX }),
		),
		micros: fc.oneof(fc.constant(0), fc.nat(999_999)),
	})
	.map((event) => {
		const hasAmount = ["ticket_purchased", "claim_reward"].includes(EVENT_TYPES[event.typeIndex]!);
		return hasAmount ? event : { ...event, cents: -1 };
	});
