import t from "tap";
import { EVENT_TYPES } from "../../schema/event.ts";
import { createEventFields, createValidator, type Invalid } from "../../schema/validate.ts";

const validate = createValidator();

/** The fields of a valid event or why it is none; from JSON text, so that numbers can be written in any way. */
function judgeText(text: string) {
	const fields = createEventFields();
	return validate(JSON.parse(text), fields) ?? fields;
}

/** An event as JSON text; null leaves the amount out. */
function eventText(over: {
	type?: string;
	time?: string;
	user?: string;
	session?: string;
	amount?: string | null;
}) {
	const {
		type = '"ticket_purchased"',
		time = '"2025-06-01T15:14:00"',
		user = '"user_13"',
		session = "1364",
	} = over;
	const amount = over.amount === null ? "" : `,"amount":${over.amount ?? "12.34"}`;
	return `{"event_type":${type},"event_time":${time},"payload":{"user_id":${user},"session_id":${session}${amount}}}`;
}

const ok = {
	typeIndex: 2,
	userId: "user_13",
	sessionId: 1364,
	cents: 1234,
	seconds: 1_748_790_840,
	micros: 0,
};
const schema = (pointer: string, detail: string): Invalid => ({ reason: "schema", pointer, detail });
const badTime = (detail: string): Invalid => ({ reason: "event_time", pointer: "/event_time", detail });
const badAmount = (detail: string): Invalid => ({ reason: "amount", pointer: "/payload/amount", detail });

t.test("the example of the contract is read field by field", async (t) => {
	t.strictSame(judgeText(eventText({})), ok);
});

t.test("the position of the type and the amount follow the type", async (t) => {
	for (const [typeIndex, type] of EVENT_TYPES.entries()) {
		const cents = type === "ticket_purchased" || type === "claim_reward" ? 1234 : -1;
		t.strictSame(judgeText(eventText({ type: `"${type}"` })), { ...ok, typeIndex, cents }, type);
	}
});

const accepted: [text: string, expected: Partial<typeof ok>, why: string][] = [
	[eventText({ amount: "12.340" }), {}, "a zero too many"],
	[eventText({ amount: "1e2" }), { cents: 10_000 }, "an exponent"],
	[eventText({ amount: "0" }), { cents: 0 }, "nothing is an amount"],
	[eventText({ amount: "-0" }), { cents: 0 }, "minus zero is zero"],
	[eventText({ amount: "0.29" }), { cents: 29 }, "29 / 100 * 100 is not 29 in binary"],
	[eventText({ amount: "1.005e1" }), { cents: 1005 }, "cents by exponent"],
	[eventText({ amount: "999999999999.99" }), { cents: 99_999_999_999_999 }, "the largest amount"],
	[eventText({ session: "0" }), { sessionId: 0 }, "session 0"],
	[eventText({ session: "-0" }), { sessionId: 0 }, "session minus zero is zero"],
	[eventText({ session: "1364.0" }), {}, "a session with a decimal point is still an integer"],
	[eventText({ session: "9007199254740991" }), { sessionId: Number.MAX_SAFE_INTEGER }, "the largest session"],
	[
		eventText({ user: '"\\ud83c\\udfb2"' }),
		{ userId: "🎲" },
		"a pair of escaped surrogates is one code point",
	],
	[
		eventText({ user: `"${"🎲".repeat(256)}"` }),
		{ userId: "🎲".repeat(256) },
		"256 code points of two units",
	],
	[eventText({ user: '"user_1","user_id":"user_13"' }), {}, "of repeated keys the last wins"],
	[eventText({ user: '"__proto__"' }), { userId: "__proto__" }, "a user of that name"],
	[eventText({ user: '" "' }), { userId: " " }, "a space is a user"],
	[
		eventText({ time: '"2025-06-01T15:14:00.25+00:30"' }),
		{ seconds: ok.seconds - 1800, micros: 250_000 },
		"time",
	],
];
t.test("events that are accepted", async (t) => {
	for (const [text, expected, why] of accepted) {
		const fields = judgeText(text);
		t.strictSame(fields, { ...ok, ...expected }, why);
		if ("cents" in fields)
			t.notOk(Object.is(fields.cents, -0) || Object.is(fields.sessionId, -0), `no -0: ${why}`);
	}
});

const noType = '{"event_time":"2025-06-01T15:14:00","payload":{"user_id":"u","session_id":1}}';
const refused: [text: string, expected: Invalid, why: string][] = [
	["null", schema("", "type"), "null"],
	["[]", schema("", "type"), "an array"],
	[`[${eventText({})}]`, schema("", "type"), "an event in an array"],
	['"login"', schema("", "type"), "a string"],
	["1364", schema("", "type"), "a number"],
	["true", schema("", "type"), "a boolean"],
	["{}", schema("/event_type", "required"), "nothing in it"],
	[noType, schema("/event_type", "required"), "no type"],
	[eventText({ type: '"Login"' }), schema("/event_type", "enum"), "types are lower-case"],
	[eventText({ type: "null" }), schema("/event_type", "enum"), "a null type"],
	[eventText({ type: '["login"]' }), schema("/event_type", "enum"), "an array that prints as a type"],
	[eventText({ type: '"__proto__"' }), schema("/event_type", "enum"), "a prototype's name as the type"],
	[eventText({ type: '"constructor"' }), schema("/event_type", "enum"), "an inherited name as the type"],
	['{"event_type":"login"}', schema("/event_time", "required"), "no time"],
	['{"event_type":"login","event_time":"2025-06-01T15:14:00"}', schema("/payload", "required"), "no payload"],
	['{"__proto__":{"event_type":"login"}}', schema("/event_type", "required"), "a type by prototype"],
	[
		'{"event_type":"login","event_time":"2025-06-01T15:14:00","payload":null}',
		schema("/payload", "type"),
		"null payload",
	],
	[
		'{"event_type":"login","event_time":"2025-06-01T15:14:00","payload":[]}',
		schema("/payload", "type"),
		"array payload",
	],
	[
		'{"event_type":"login","event_time":"2025-06-01T15:14:00","payload":{"__proto__":{"user_id":"u","session_id":1}}}',
		schema("/payload/user_id", "required"),
		"a user by prototype",
	],
	[
		'{"event_type":"login","event_time":"2025-06-01T15:14:00","payload":{"user_id":"u"}}',
		schema("/payload/session_id", "required"),
		"no session",
	],
	[eventText({ time: "1748790840" }), schema("/event_time", "type"), "a time as a number"],
	[eventText({ time: "null" }), schema("/event_time", "type"), "a null time"],
	[eventText({ time: '"2025-06-01"' }), badTime("pattern"), "a date"],
	[eventText({ time: '""' }), badTime("pattern"), "an empty time"],
	[eventText({ time: '"2025-06-01T15:14:00\\u0000"' }), badTime("pattern"), "U+0000 in the time"],
	[eventText({ time: '"2025-02-30T00:00:00"' }), badTime("calendar"), "a day that does not exist"],
	[eventText({ user: "13" }), schema("/payload/user_id", "type"), "a number as the user"],
	[eventText({ user: '""' }), schema("/payload/user_id", "minLength"), "an empty user"],
	[eventText({ user: `"${"x".repeat(257)}"` }), schema("/payload/user_id", "maxLength"), "257 code points"],
	[eventText({ user: `"${"🎲".repeat(257)}"` }), schema("/payload/user_id", "maxLength"), "257 pairs"],
	[eventText({ user: '"a\\u0000"' }), schema("/payload/user_id", "pattern"), "U+0000"],
	[eventText({ user: '"\\ud83c"' }), schema("/payload/user_id", "pattern"), "a lone high surrogate"],
	[eventText({ user: '"\\udfb2a"' }), schema("/payload/user_id", "pattern"), "a lone low surrogate"],
	[
		eventText({ user: '"\\udfb2\\ud83c"' }),
		schema("/payload/user_id", "pattern"),
		"a pair the wrong way round",
	],
	[eventText({ session: '"1364"' }), schema("/payload/session_id", "type"), "a session as a string"],
	[eventText({ session: "1.5" }), schema("/payload/session_id", "type"), "half a session"],
	[eventText({ session: "-1" }), schema("/payload/session_id", "minimum"), "a negative session"],
	[eventText({ session: "9007199254740992" }), schema("/payload/session_id", "maximum"), "2^53"],
	[eventText({ session: "1e400" }), schema("/payload/session_id", "type"), "an infinite session"],
	[eventText({ amount: null }), schema("/payload/amount", "required"), "no amount"],
	[eventText({ amount: "null" }), schema("/payload/amount", "type"), "a null amount"],
	[eventText({ amount: '"12.34"' }), schema("/payload/amount", "type"), "an amount as a string"],
	[eventText({ amount: "-0.01" }), badAmount("minimum"), "negative"],
	[eventText({ amount: "1e12" }), badAmount("exclusiveMaximum"), "too large"],
	[
		eventText({ amount: "999999999999.999999" }),
		badAmount("exclusiveMaximum"),
		"too large after rounding to a double",
	],
	[eventText({ amount: "1e400" }), badAmount("exclusiveMaximum"), "infinite, and still a JSON number"],
	[eventText({ amount: "-1e400" }), badAmount("minimum"), "infinite and negative"],
	[eventText({ amount: "12.345" }), badAmount("multipleOf"), "three decimals"],
	[eventText({ amount: "0.30000000000000004" }), badAmount("multipleOf"), "0.1 + 0.2 is not 0.3"],
	[eventText({ amount: "999999999999.995" }), badAmount("multipleOf"), "half a cent far up"],
	[eventText({ amount: "5e-324" }), badAmount("multipleOf"), "the smallest double"],
];
t.test("events that are refused, with reason, pointer and keyword", async (t) => {
	for (const [text, expected, why] of refused) t.strictSame(judgeText(text), expected, why);
});

t.test("of several problems always the same one is told", async (t) => {
	const worst =
		'{"event_type":"claim_reward","event_time":"2025-02-30T00:00:00","payload":{"user_id":"","amount":-1}}';
	t.strictSame(
		judgeText(worst),
		schema("/payload/session_id", "required"),
		"a missing field before a bad one",
	);
	t.strictSame(
		judgeText(eventText({ time: '"x"', user: '""' })),
		badTime("pattern"),
		"pattern before payload",
	);
	t.strictSame(
		judgeText(eventText({ time: '"2025-02-30T00:00:00"', amount: "-1" })),
		badAmount("minimum"),
		"limits before the calendar",
	);
	t.strictSame(
		judgeText(eventText({ time: '"2025-02-30T00:00:00"', amount: "1.001" })),
		badTime("calendar"),
		"the calendar before whole cents",
	);
});

t.test("an earlier answer is not changed by a later call", async (t) => {
	const first = judgeText(eventText({ session: "-1" }));
	judgeText(eventText({ user: "13" }));
	judgeText(eventText({ type: "1" }));
	t.strictSame(first, schema("/payload/session_id", "minimum"));
});

t.test("the value is not changed: no defaults, no coercion, nothing removed", async (t) => {
	for (const [text] of [...accepted, ...refused]) {
		const value = JSON.parse(text);
		validate(value, createEventFields());
		t.strictSame(value, JSON.parse(text));
	}
});
