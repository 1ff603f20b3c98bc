/**
 * Spoiling a good line in every way that turns up in practice, so that a generated stream meets every reason of the
 * dead letters that a line by itself can have.
 *
 * Lines here are "binary strings": one character per byte (latin1), so that bytes that are not UTF-8 can be written.
 */
import type { Random } from "./random.ts";

/** The parts of the line that is spoiled. */
export interface LineParts {
	readonly type: string;
	readonly time: string;
	readonly userId: string;
	readonly sessionId: number;
}

function event(type: string, time: string, payload: string): string {
	return `{"event_type":${type},"event_time":${time},"payload":${payload}}`;
}

const withTime = ({ type, userId, sessionId }: LineParts, time: string) =>
	event(`"${type}"`, time, `{"user_id":"${userId}","session_id":${sessionId},"amount":5}`);

const withUser = ({ time, sessionId }: LineParts, userId: string) =>
	event(`"login"`, `"${time}"`, `{"user_id":${userId},"session_id":${sessionId}}`);

const withSession = ({ time, userId }: LineParts, sessionId: string) =>
	event(`"login"`, `"${time}"`, `{"user_id":"${userId}","session_id":${sessionId}}`);

const withAmount = ({ time, userId, sessionId }: LineParts, amount: string) =>
	event(
		`"ticket_purchased"`,
		`"${time}"`,
		`{"user_id":"${userId}","session_id":${sessionId}${amount && `,"amount":${amount}`}}`,
	);

/** Each gives one line, never empty and without `\n`. The names are for tests and for people. */
export const BAD_KINDS: Readonly<Record<string, (parts: LineParts) => string>> = {
	"cut off": (parts) => withUser(parts, `"${parts.userId}"`).slice(0, -9),
	"two texts on a line": (parts) => `${withUser(parts, `"${parts.userId}"`)}{}`,
	"not json": () => "ERROR 2025-06-01 connection reset by peer",
	"byte order mark": (parts) => `\xef\xbb\xbf${withUser(parts, `"${parts.userId}"`)}`,
	"not utf-8": (parts) => withUser(parts, `"${parts.userId}\xff"`),
	"overlong utf-8": (parts) => withUser(parts, `"${parts.userId}\xc0\x80"`),
	null: () => "null",
	array: (parts) => `[${withUser(parts, `"${parts.userId}"`)}]`,
	"unknown type": ({ time, userId, sessionId }) =>
		event(`"ticket_refunded"`, `"${time}"`, `{"user_id":"${userId}","session_id":${sessionId}}`),
	"no payload": ({ type, time }) => `{"event_type":"${type}","event_time":"${time}"}`,
	"no user": ({ type, time, sessionId }) =>
		event(`"${type}"`, `"${time}"`, `{"session_id":${sessionId},"amount":1}`),
	"empty user": (parts) => withUser(parts, `""`),
	"user is a number": (parts) => withUser(parts, "13"),
	"user of 257 characters": (parts) => withUser(parts, `"${"u".repeat(257)}"`),
	"zero character in user": (parts) => withUser(parts, `"${parts.userId}\\u0000"`),
	"lone surrogate in user": (parts) => withUser(parts, `"${parts.userId}\\ud800"`),
	"session is text": (parts) => withSession(parts, `"${parts.sessionId}"`),
	"negative session": (parts) => withSession(parts, "-1"),
	"unsafe session": (parts) => withSession(parts, "9007199254740993"),
	"fractional session": (parts) => withSession(parts, "13.5"),
	"month 13": (parts) => withTime(parts, `"2025-13-01T10:00:00"`),
	"february 30": (parts) => withTime(parts, `"2025-02-30T10:00:00"`),
	"time without seconds": (parts) => withTime(parts, `"2025-06-01T10:00"`),
	"time as a number": (parts) => withTime(parts, "1748772840"),
	"blank instead of T": (parts) => withTime(parts, `"${parts.time.replace("T", " ")}"`),
	"no amount": (parts) => withAmount(parts, ""),
	"amount as text": (parts) => withAmount(parts, `"12.34"`),
	"negative amount": (parts) => withAmount(parts, "-5"),
	"amount with three decimals": (parts) => withAmount(parts, "12.345"),
	"float dust in amount": (parts) => withAmount(parts, "0.30000000000000004"),
	"amount too large": (parts) => withAmount(parts, "1e12"),
};

const KINDS = Object.values(BAD_KINDS);

/** Every kind in turn, in an order shuffled anew by where it starts: a long stream has the same share of each. */
export function createSpoiler(random: Random): (parts: LineParts) => string {
	let turn = random.below(KINDS.length);
	return (parts) => {
		turn = (turn + 1) % KINDS.length;
		return KINDS[turn]!(parts);
	};
}
