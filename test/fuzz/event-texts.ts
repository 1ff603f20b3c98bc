/**
 * Events as senders write them, and nearly events: every shape the scanner takes, every one it must leave, and tricks
 * around each of its rules. Texts are strings of bytes (latin1), since not all of them are UTF-8.
 */
import type { Random } from "../../producer/random.ts";
import { EVENT_TYPES } from "../../schema/event.ts";
import { shuffled } from "../support/shuffled.ts";

const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const SPACES = [" ", "  ", "\n", "\t", "\r", "\r\n\t "] as const;
/** What some languages call whitespace and JSON does not. */
const NO_SPACES = ["\v", "\f", "\0", "\xa0", utf8("\u2028"), utf8("\ufeff"), "/**/", "\x1f"] as const;

const WHOLE_NUMBERS = [
	"0",
	"1",
	"7",
	"42",
	"1364",
	"999999999",
	"2147483648",
	"4294967296",
	"123456789012",
] as const;
const LARGE_NUMBERS = [
	"1748789640123",
	"999999999999999",
	"9007199254740990",
	"9007199254740991",
	"9007199254740992",
	"9007199254740993",
	"9999999999999999",
	"10000000000000000",
	"99999999999999999999",
	"999999999999",
	"1000000000000",
] as const;
const NUMBER_TRICKS = [
	"00",
	"01",
	"-0",
	"-1",
	"+1",
	"1.",
	".5",
	"1.0",
	"1e2",
	"1E2",
	"1e+2",
	"1e-2",
	"1e400",
	"-1e400",
	"1e",
	"1e+",
	"0x10",
	"1_000",
	"12.345",
	"12.340",
	"12.300",
	"0.1",
	"0.01",
	"0.001",
	"00.1",
	"-0.0",
	"999999999999.99",
	"999999999999.999",
	"1000000000000.00",
	"0.30000000000000004",
	"1.1.1",
	"1 2",
	"NaN",
	"Infinity",
	"5e-324",
	"١",
].map(utf8);
const OTHER_VALUES = [
	"null",
	"true",
	"false",
	"nul",
	"nulL",
	"truee",
	"falsE",
	"fals",
	'""',
	'"x"',
	"[]",
	"{}",
	"[1,2]",
	'{"user_id":"v"}',
	'{"a":{"b":[1]}}',
	"[,]",
	"undefined",
	"",
	"'x'",
] as const;

const USERS = [
	"u",
	"user_13",
	"a b",
	"0b7e2f34-8b1a-4c5d-9e6f-1a2b3c4d5e6f",
	"/'?<>",
	"\x7f",
	".{}[]:,",
] as const;
const UNICODE_USERS = [
	"é",
	"Ж",
	"名前",
	"😀",
	"\ufeff",
	"\u0080",
	"\u07ff",
	"\u0800",
	"\ud7ff",
	"\ue000",
	"\uffff",
	"𐀀",
	"\u{10ffff}",
].map(utf8);
const LONG_USERS = [
	"x".repeat(255),
	"x".repeat(256),
	"x".repeat(257),
	"é".repeat(256),
	"é".repeat(257),
	"😀".repeat(256),
]
	.concat("😀".repeat(257), `${"😀".repeat(255)}ab`, "x".repeat(1025))
	.map(utf8);
/** Inside a string: escapes, control characters, and bytes that are no UTF-8. */
const CHARACTER_TRICKS = [
	"\\n",
	'\\"',
	"\\\\",
	"\\/",
	"\\u0000",
	"\\u0041",
	"\\ud83d\\ude00",
	"\\ud83d",
	"\\x41",
	"\\",
	"\0",
	"\x01",
	"\x1f",
	"\n",
	"\t",
	"\x80",
	"\xbf",
	"\xc0\x80",
	"\xc1\xbf",
	"\xc2",
	"\xc3\x28",
	"\xe0\x80\x80",
	"\xe0\x9f\xbf",
	"\xe2\x82",
	"\xed\xa0\x80",
	"\xed\xbf\xbf",
	"\xf0\x80\x80\x80",
	"\xf0\x8f\xbf\xbf",
	"\xf0\x9f\x98",
	"\xf4\x90\x80\x80",
	"\xf5\x80\x80\x80",
	"\xf8\x88\x80\x80\x80",
	"\xfe",
	"\xff",
] as const;

const TIME_TAILS = [
	"",
	"Z",
	".1",
	".123",
	".123456",
	".123456789",
	"+05:30",
	"-09:30",
	".5Z",
	".000001+14:00",
	"-14:00",
];
const TIME_TRICKS = [
	"2025-06-01T15:14:00z",
	"2025-06-01T15:14:00.",
	"2025-06-01T15:14:00.1234567890",
	"2025-06-01T15:14:00+14:01",
	"2025-06-01T15:14:00+15:00",
	"2025-06-01T15:14:00+5:30",
	"2025-06-01T15:14:00+05:60",
	"2025-06-01T15:14:00+0530",
	"2025-06-01T15:14:00-00:00",
	"2025-06-01T15:14",
	"2025-06-01",
	"2025-06-01 15:14:00",
	"2025-06-01t15:14:00",
	"2025-13-01T15:14:00",
	"2025-00-01T15:14:00",
	"2025-02-29T15:14:00",
	"2024-02-29T15:14:00",
	"2100-02-29T15:14:00",
	"2025-06-31T15:14:00",
	"2025-06-00T15:14:00",
	"2025-06-32T15:14:00",
	"2025-06-01T24:00:00",
	"2025-06-01T23:60:00",
	"2025-06-01T23:59:60",
	"1969-12-31T23:59:59",
	"1970-01-01T00:00:00+14:00",
	"9999-12-31T23:59:59.999999-14:00",
	"0000-01-01T00:00:00",
	" 2025-06-01T15:14:00",
	"2025-06-01T15:14:00 ",
	"2025-06-01T15:1:00Z",
	"2025/06/01T15:14:00",
	"2025-06-01T15-14-00",
	"+025-06-01T15:14:00",
] as const;

const NAMES = ["event_type", "event_time", "payload", "user_id", "session_id", "amount"] as const;
const NAME_TRICKS = [
	"event_typ",
	"event_types",
	"event_tame",
	"Event_type",
	"user_ie",
	"amounts",
	"",
	"__proto__",
	"toString",
	"a",
	"é",
]
	.concat("event\\u005ftype", "\\u0070ayload", "user_id\\u0000", "\xff", "x\x00y")
	.map((name) => (name === "é" ? utf8(name) : name));

const pad = (value: number) => String(value).padStart(2, "0");

/** Shares of what is done to an event that would be valid. */
export interface Tricks {
	/** Chance of something unusual at each place where there could be. */
	readonly trickRatio: number;
	/** Chance of whitespace at each place where JSON allows it. */
	readonly spaceRatio: number;
	/** Chance of one more member, each. */
	readonly extraRatio: number;
}

/** One event, valid unless a trick has made it something else. */
export function eventText(random: Random, { trickRatio, spaceRatio, extraRatio }: Tricks): string {
	const trick = () => random.chance(trickRatio);
	const type = random.pick(EVENT_TYPES);
	const hasMoney = type === "ticket_purchased" || type === "claim_reward";

	const space = (): string => {
		if (!random.chance(spaceRatio)) return "";
		return trick() ? random.pick(NO_SPACES) : random.pick(SPACES);
	};
	const member = (name: string, value: string): string => {
		const written = trick() && random.chance(0.3) ? random.pick([...NAMES, ...NAME_TRICKS]) : name;
		return `${space()}"${written}"${space()}${trick() && random.chance(0.1) ? ";" : ":"}${space()}${value}${space()}`;
	};
	const object = (members: string[]): string => {
		const extras: string[] = [];
		while (random.chance(extraRatio))
			extras.push(member(random.pick(["v", "trace", ...NAME_TRICKS]), anyValue(random)));
		const all = shuffledSometimes([...members, ...extras], random);
		if (trick() && all.length > 0) {
			const dice = random.float();
			if (dice < 0.3) all.push(random.pick(all));
			else if (dice < 0.5) all.splice(random.below(all.length), 1);
		}
		const comma = trick() && random.chance(0.1) ? random.pick([",,", ";", ""]) : ",";
		const end = trick() && random.chance(0.1) ? random.pick([",}", "", "}}", "]", "} "]) : "}";
		return `{${all.join(comma)}${all.length === 0 ? space() : ""}${end}`;
	};

	const inner = [member("user_id", user(random, trick)), member("session_id", number(random, trick, false))];
	if (hasMoney || random.chance(0.2)) inner.push(member("amount", number(random, trick, true)));
	const typeText = trick()
		? random.pick(['"logi"', '"loginn"', '"Login"', "1", '"log\\u0069n"', '"logou"', '""'])
		: `"${type}"`;
	const outer = [
		member("event_type", typeText),
		member("event_time", `"${time(random, trick)}"`),
		member("payload", trick() && random.chance(0.1) ? anyValue(random) : object(inner)),
	];
	return trick() && random.chance(0.1)
		? `${space()}${object(outer)}${space()}`
		: `${object(outer)}${space()}`;
}

/** Any JSON value, or nearly one. */
export function anyValue(random: Random): string {
	const dice = random.below(4);
	if (dice === 0) return random.pick(OTHER_VALUES);
	if (dice === 1) return random.pick(NUMBER_TRICKS);
	if (dice === 2) return random.pick(WHOLE_NUMBERS);
	return `"${random.pick([...USERS, ...UNICODE_USERS, ...CHARACTER_TRICKS])}"`;
}

function shuffledSometimes(members: string[], random: Random): string[] {
	return random.chance(0.5) ? members : shuffled(members, random);
}

function user(random: Random, trick: () => boolean): string {
	let text = "";
	do {
		const dice = random.float();
		if (dice < 0.6) text += random.pick(USERS);
		else if (dice < 0.97) text += random.pick(UNICODE_USERS);
		else text += random.pick(LONG_USERS);
	} while (random.chance(0.2));
	if (!trick()) return `"${text}"`;
	if (random.chance(0.1)) return anyValue(random);
	const at = random.below(text.length + 1);
	return `"${text.slice(0, at)}${random.pick(CHARACTER_TRICKS)}${text.slice(at)}"`;
}

function number(random: Random, trick: () => boolean, isAmount: boolean): string {
	if (trick()) return random.chance(0.7) ? random.pick(NUMBER_TRICKS) : anyValue(random);
	const whole = random.chance(0.9) ? random.pick(WHOLE_NUMBERS) : random.pick(LARGE_NUMBERS);
	if (!isAmount || random.chance(0.4)) return whole;
	return `${whole}.${random.chance(0.5) ? random.below(10) : pad(random.below(100))}`;
}

function time(random: Random, trick: () => boolean): string {
	if (trick()) return random.pick(TIME_TRICKS);
	// Few hours, so that the one read last is met again, and others come in between.
	const day = random.pick(["2025-06-01", "2025-06-02", "2024-02-29", "1970-01-01", "9999-12-31"]);
	const clock = `${pad(random.below(24))}:${pad(random.below(60))}:${pad(random.below(60))}`;
	return `${day}T${random.chance(0.5) ? "15:14:00" : clock}${random.pick(TIME_TAILS)}`;
}
