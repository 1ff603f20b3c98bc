/** What the scanner takes and leaves, rule by rule; test/fuzz holds it against the judge over millions of events. */
import fc from "fast-check";
import t, { type Test } from "tap";
import { EVENT_TYPES } from "../../schema/event.ts";
import { Differential, type Outcome } from "../fuzz/differential.ts";
import { eventFields } from "../support/event-fields.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { seedProperties } from "../support/property-seed.ts";

seedProperties(t, 1000);

const differential = new Differential();
const nothing = Buffer.alloc(0);
const bytesOf = (value: string | Uint8Array) =>
	typeof value === "string" ? Buffer.from(value, "utf8") : value;

/** How the value fares between any neighbours; throws where scanner and judge differ. */
function outcome(
	value: string | Uint8Array,
	before: string | Uint8Array = "",
	after: string | Uint8Array = "",
): Outcome {
	return differential.compare(bytesOf(value), bytesOf(before), bytesOf(after));
}

const taken = (t: Test, values: readonly string[]) => {
	for (const value of values) t.equal(outcome(value), "taken", value);
};
const leftGood = (t: Test, values: readonly string[]) => {
	for (const value of values) t.equal(outcome(value), "left good", value);
};
const leftBad = (t: Test, values: readonly (string | Uint8Array)[]) => {
	for (const value of values) t.equal(outcome(value), "left bad", Buffer.from(value).toString("latin1"));
};

t.test("every type is taken, compact and as other languages space it", async (t) => {
	for (const type of EVENT_TYPES) {
		const event = lotteryEvent({ type, amount: 12.34 });
		taken(t, [
			event,
			JSON.stringify(JSON.parse(event), null, "\t"),
			event.replaceAll('":', '": ').replaceAll(",", ", "),
		]);
		taken(t, [`${event} \r\n\t`, event.replaceAll('":', '" : ').replaceAll(/[{},]/g, " $& ").trimStart()]);
	}
});

t.test("names may stand in any order, among others with simple values", async (t) => {
	const names = ["event_type", "event_time", "payload", "v"] as const;
	const event = { ...JSON.parse(ticket({ amount: 12.34 })), v: 1 };
	for (const first of names)
		for (const second of names)
			taken(t, [
				JSON.stringify(event, [...new Set([first, second, ...names, "amount", "user_id", "session_id"])]),
			]);
	for (const value of [1, -0.5, 1e300, "text é", "", true, false, null]) {
		taken(t, [
			lotteryEvent({ extra: { v: value } }),
			lotteryEvent().replace('{"user_id"', `{"v":${JSON.stringify(value)},"user_id"`),
		]);
	}
	taken(t, [lotteryEvent({ extra: { user_id: 7, amount: "12", é: 1, event_tim: 1, payloads: 1, "": 1 } })]);
});

t.test("any valid event without an escape in it is taken", async (t) => {
	const plain = eventFields.filter(({ userId }) => JSON.stringify(userId) === `"${userId}"`);
	const property = fc.property(plain, ({ typeIndex, userId, sessionId, cents, seconds, micros }) => {
		const written = new Date(Math.min(Math.max(seconds, 0), 253_402_300_799) * 1000).toISOString();
		const time = written.replace(".000Z", `.${String(micros).padStart(6, "0")}Z`);
		const amount = `${Math.floor(Math.max(cents, 0) / 100)}.${String(Math.max(cents, 0) % 100).padStart(2, "0")}`;
		const type = EVENT_TYPES[typeIndex]!;
		return outcome(lotteryEvent({ type, time, user: userId, session: sessionId, amount })) === "taken";
	});
	fc.assert(property);
	t.pass("all were taken, with the judge's fields");
});

t.test("numbers are taken up to their limits, as JSON writes them", async (t) => {
	const session = (text: string) => lotteryEvent().replace('"session_id":1', `"session_id":${text}`);
	taken(t, ["0", "9007199254740991"].map(session));
	leftBad(
		t,
		["00", "01", "-1", "+1", "1.", "9007199254740992", "9007199254740993", "99999999999999999", ""].map(
			session,
		),
	);
	leftGood(t, ["-0", "1.0", "1e2"].map(session));
	const amount = (text: string) => ticket({ amount: text });
	taken(t, ["0", "0.0", "0.01", "12", "12.3", "12.34", "999999999999.99"].map(amount));
	leftBad(
		t,
		[
			"00",
			"01.5",
			"1.",
			".5",
			"-1",
			"12.345",
			"1000000000000",
			"1000000000000.00",
			"1e400",
			"null",
			'"1"',
			"1e",
		].map(amount),
	);
	leftGood(t, ["-0", "12.340", "1e2", "12.3e1", "1E2"].map(amount));
});

t.test("an amount nobody asked for is ignored, whatever it is", async (t) => {
	const amount = (text: string) => lotteryEvent({ amount: text });
	taken(
		t,
		["null", "true", "false", '"12"', "-1", "1e2", "12.345", "1e400", "12.340", "1000000000000"].map(amount),
	);
	leftGood(t, ["[]", "{}", '"\\n"'].map(amount));
	leftBad(
		t,
		["nul", "nulL", "truE", "falsE", "fals", "01", "1.", "-", "1e", "1e+", '"', "", "1.e1"].map(amount),
	);
	t.equal(outcome(amount("-1")) && differential.event.cents, -1);
});

t.test("users are valid UTF-8 of 1 to 256 code points, without escapes", async (t) => {
	const user = (text: string) => lotteryEvent().replace("user_1", text);
	taken(
		t,
		["u", "é", "😀", "\ufeff", "\x7f", "\u0800", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"].map(
			user,
		),
	);
	taken(t, ["x".repeat(256), "é".repeat(256), "😀".repeat(256)].map(user));
	leftBad(
		t,
		[
			"",
			"x".repeat(257),
			"é".repeat(257),
			"😀".repeat(257),
			"x".repeat(1025),
			"\0",
			"\x1f",
			"\n",
			'"',
			"\\u0000",
			"\\ud800",
			"\\",
		].map(user),
	);
	leftGood(t, ["\\n", "\\u0041", '\\"', "\\ud83d\\ude00"].map(user));
	const [head, tail] = lotteryEvent()
		.split("user_1")
		.map((text) => Buffer.from(text));
	const noUtf8 = [
		"80",
		"bf",
		"c080",
		"c1bf",
		"c2",
		"c328",
		"e08080",
		"e09fbf",
		"e282",
		"e228a1",
		"eda080",
		"edbfbf",
		"f0808080",
		"f08fbfbf",
	].concat("f09f98", "f4908080", "f5808080", "f888808080", "fe", "ff", "f09f2880", "e2a128");
	leftBad(
		t,
		noUtf8.map((hex) => Buffer.concat([head!, Buffer.from(hex, "hex"), tail!])),
	);
});

t.test("times are those of the contract, and of the calendar", async (t) => {
	const time = (text: string) => lotteryEvent({ time: text });
	taken(
		t,
		["", "Z", ".1", ".123456789", "+05:30", "-14:00", ".5Z"].map((tail) =>
			time(`2025-06-01T15:14:00${tail}`),
		),
	);
	taken(
		t,
		["2024-02-29T15:14:00", "1970-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"].map(time),
	);
	const refused = [
		"2025-13-01T15:14:00",
		"2025-00-01T15:14:00",
		"2025-02-29T15:14:00",
		"2025-06-31T15:14:00",
		"1969-12-31T23:59:59",
	];
	refused.push(
		"2025-06-01T24:00:00",
		"2025-06-01T15:60:00",
		"2025-06-01T15:14:60",
		"2025-06-01T15:14:00.",
		"2025-06-01T15:14:00z",
	);
	refused.push(
		"2025-06-01T15:14:00.1234567890",
		"2025-06-01T15:14:00+14:01",
		"2025-06-01 15:14:00",
		"2025-06-01T15:14",
		"2025-06-01T15:14:00 ",
	);
	leftBad(t, refused.map(time));
});

t.test("the hour read last is not taken for another one", async (t) => {
	const places = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
	const first = "2022-11-11T11:14:00";
	for (const place of places) {
		for (const digit of "0123456789-T:") {
			outcome(lotteryEvent({ time: first }));
			outcome(lotteryEvent({ time: `${first.slice(0, place)}${digit}${first.slice(place + 1)}` }));
		}
	}
	t.pass("one character at a time was changed, and none was missed");
});

t.test("a name that stands twice is left, since JSON.parse keeps the last one", async (t) => {
	leftGood(t, [
		lotteryEvent().replace("{", '{"event_type":"logout",'),
		lotteryEvent().replace("{", '{"event_time":"2025-06-01T12:00:01",'),
		lotteryEvent().replace("{", '{"payload":{"user_id":"v","session_id":1},'),
		lotteryEvent().replace('{"user_id"', '{"user_id":"v","user_id"'),
		lotteryEvent().replace('{"user_id"', '{"session_id":2,"user_id"'),
		ticket().replace('{"user_id"', '{"amount":2,"user_id"'),
		lotteryEvent().replace("{", '{"\\u0065vent_type":"logout",'),
	]);
});

t.test("what is missing, spelled otherwise or not quite JSON is left", async (t) => {
	const event = ticket();
	for (const name of ["event_type", "event_time", "payload", "user_id", "session_id", "amount"]) {
		leftBad(t, [
			event.replace(name, `${name.slice(0, -1)}_`),
			event.replace(name, `_${name.slice(1)}`),
			event.replace(name, `${name}s`),
		]);
	}
	for (const type of [
		"logi",
		"loginn",
		"Login",
		"logou",
		"log\\u0069n_",
		"",
		"claim_rewar",
		"view_number",
		"ticket_purchase_",
		"ticket_purchaded",
	])
		leftBad(t, [lotteryEvent().replace("login", type)]);
	leftBad(t, ["{}", "[]", "{", "", " ", "null", "\ufeff{}", '{"payload":{}}', '{"payload":null}']);
	leftBad(t, [
		`${event},`,
		`${event}}`,
		`${event}{}`,
		`${event}\0`,
		`[${event}]`,
		event.replace("}}", "},}"),
		event.replace("}}", ",}}"),
	]);
	leftBad(t, [
		event.replace(",", ",,"),
		event.replace(",", ";"),
		event.replace(":", "::"),
		event.replace(",", ""),
		event.replace("}}", "]}"),
	]);
	leftBad(
		t,
		["\v", "\f", "\xa0", "\0", "\x1f", "\b"].map((space) => event.replace("{", `{${space}`)),
	);
	leftGood(t, [` ${event}`, lotteryEvent({ extra: { v: [] } }), lotteryEvent({ extra: { v: { a: 1 } } })]);
});

t.test("a value cut short is never completed by what stands behind it", async (t) => {
	for (const event of [lotteryEvent(), ticket({ amount: "12.34" }), `${lotteryEvent()}  `]) {
		const end = event.trimEnd().length;
		for (let cut = 0; cut < end; cut++) {
			const kind = outcome(event.slice(0, cut), event, event.slice(cut));
			if (kind !== "left bad") t.fail(`${event.slice(0, cut)} was ${kind}`);
		}
	}
	// The other way round: what stands before or behind does not harm a whole value.
	t.equal(outcome(lotteryEvent(), "{", "}"), "taken");
	t.equal(outcome(lotteryEvent(), '{"a":"', '"}'), "taken");
	t.equal(outcome(`${lotteryEvent()} `, " ", "  "), "taken");
	t.equal(outcome("x", "", "x".repeat(100)), "left bad");
});

t.equal(outcome(nothing), "left bad");
