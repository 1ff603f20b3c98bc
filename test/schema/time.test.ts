import fc from "fast-check";
import t from "tap";
import { EVENT_TIME_PATTERN } from "../../schema/event.ts";
import { checkEventTime, type Moment, parseEventTime, type TimeRules } from "../../schema/time.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 2000 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

function parse(text: string): Moment | null {
	const out = { seconds: Number.NaN, micros: Number.NaN };
	return parseEventTime(text, out) ? out : null;
}

interface Parts {
	readonly year: number;
	readonly month: number;
	readonly day: number;
	readonly hour: number;
	readonly minute: number;
	readonly second: number;
	readonly fraction: string | null;
	readonly zone: { sign: "+" | "-"; hours: number; minutes: number } | "Z" | "";
}

const pad = (value: number, width = 2) => String(value).padStart(width, "0");

function write(parts: Parts): string {
	const { zone } = parts;
	const zoneText = typeof zone === "string" ? zone : `${zone.sign}${pad(zone.hours)}:${pad(zone.minutes)}`;
	return (
		`${pad(parts.year, 4)}-${pad(parts.month)}-${pad(parts.day)}T${pad(parts.hour)}:${pad(parts.minute)}:` +
		`${pad(parts.second)}${parts.fraction === null ? "" : `.${parts.fraction}`}${zoneText}`
	);
}

/** Microseconds since 1970 by Date and BigInt, or null: a second opinion that shares nothing with the parser. */
function oracle(parts: Parts): bigint | null {
	const { year, month, day, hour, minute, second, fraction, zone } = parts;
	const zoneMinutes = typeof zone === "string" ? 0 : zone.hours * 60 + zone.minutes;
	if (year < 1970 || hour > 23 || minute > 59 || second > 59) return null;
	if (zoneMinutes > 840 || (typeof zone !== "string" && zone.minutes > 59)) return null;
	if (fraction !== null && (fraction.length === 0 || fraction.length > 9)) return null;
	const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
	if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
	const east = typeof zone !== "string" && zone.sign === "-" ? -zoneMinutes : zoneMinutes;
	const micros = BigInt((fraction ?? "").padEnd(9, "0")) / 1000n;
	return (BigInt(date.getTime()) - BigInt(east) * 60_000n) * 1000n + micros;
}

const zoneArbitrary = fc.oneof(
	fc.constantFrom("Z" as const, "" as const),
	fc.record({
		sign: fc.constantFrom("+" as const, "-" as const),
		hours: fc.integer({ min: 0, max: 15 }),
		minutes: fc.integer({ min: 0, max: 61 }),
	}),
);

/** One step beyond each limit on both sides, so that about a third is invalid. */
const partsArbitrary: fc.Arbitrary<Parts> = fc.record({
	year: fc.oneof(fc.integer({ min: 1969, max: 9999 }), fc.constantFrom(1970, 1999, 2000, 2024, 2100, 9999)),
	month: fc.integer({ min: 0, max: 13 }),
	day: fc.oneof(fc.integer({ min: 0, max: 32 }), fc.constantFrom(1, 28, 29, 30, 31)),
	hour: fc.integer({ min: 0, max: 24 }),
	minute: fc.integer({ min: 0, max: 60 }),
	second: fc.integer({ min: 0, max: 60 }),
	fraction: fc.option(
		fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 10 }).map((digits) => digits.join("")),
	),
	zone: zoneArbitrary,
});

t.test("any written time is read as Date and BigInt read it, valid or not", async (t) => {
	let valid = 0;
	let invalid = 0;
	fc.assert(
		fc.property(partsArbitrary, (parts) => {
			const expected = oracle(parts);
			const moment = parse(write(parts));
			if (expected === null) {
				invalid++;
				return moment === null;
			}
			valid++;
			if (moment === null || moment.micros < 0 || moment.micros > 999_999) return false;
			return BigInt(moment.seconds) * 1_000_000n + BigInt(moment.micros) === expected;
		}),
	);
	t.ok(valid > 200 && invalid > 200, `${valid} valid and ${invalid} invalid times were tried`);
});

t.test("every day from 1970 to 9999 is read as Date reads it, and no other day", async (t) => {
	let wrong = 0;
	for (let year = 1970; year <= 9999; year++) {
		for (let month = 1; month <= 12; month++) {
			const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
			for (const day of [1, 28, 29, 30, 31]) {
				const moment = parse(`${year}-${pad(month)}-${pad(day)}T00:00:00`);
				const expected = day <= lastDay ? Date.UTC(year, month - 1, day) / 1000 : undefined;
				if (moment?.seconds !== expected) wrong++;
			}
		}
	}
	t.equal(wrong, 0);
});

t.test(
	"the parser accepts exactly what the published pattern accepts, less the days that do not exist",
	async (t) => {
		const pattern = new RegExp(EVENT_TIME_PATTERN, "u");
		const letters = fc.constantFrom(..."0123456789-+:.TZtz ,\n\u0660é".split(""));
		/** A well-formed text with one character put in, replaced or taken out. */
		const mutated = fc
			.tuple(
				partsArbitrary.map(write),
				fc.nat(40),
				letters,
				fc.constantFrom("insert", "replace", "delete", "keep"),
			)
			.map(([text, position, letter, how]) => {
				const at = position % (text.length + 1);
				if (how === "keep") return text;
				return (
					text.slice(0, at) + (how === "delete" ? "" : letter) + text.slice(how === "insert" ? at : at + 1)
				);
			});
		let accepted = 0;
		fc.assert(
			fc.property(fc.oneof(mutated, fc.string()), (text) => {
				const read = parse(text) !== null;
				if (read) accepted++;
				const matches = pattern.test(text);
				const [year, month, day] = text.slice(0, 10).split("-").map(Number);
				const exists = matches && new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() === day;
				return read === exists;
			}),
			{ numRuns: 10_000 },
		);
		t.ok(accepted > 300, `${accepted} were accepted`);
	},
);

const valid: [text: string, seconds: number, micros: number, why: string][] = [
	["2025-06-01T15:14:00", 1_748_790_840, 0, "no zone is UTC"],
	["2025-06-01T15:14:00Z", 1_748_790_840, 0, "Z is UTC"],
	["2025-06-01T15:14:00+02:00", 1_748_783_640, 0, "a zone east of UTC is earlier"],
	["2025-06-01T15:14:00-02:30", 1_748_799_840, 0, "a zone west of UTC is later"],
	["2025-06-01T15:14:00-00:00", 1_748_790_840, 0, "-00:00 is UTC"],
	["2025-06-01T15:14:00+14:00", 1_748_740_440, 0, "the furthest zone east"],
	["2025-06-01T15:14:00-14:00", 1_748_841_240, 0, "the furthest zone west"],
	["2025-06-01T15:59:59.9999999", 1_748_793_599, 999_999, "truncated, not rounded into the next hour"],
	["2025-06-01T15:59:59.999999999Z", 1_748_793_599, 999_999, "nine digits"],
	["2025-06-01T15:14:00.1", 1_748_790_840, 100_000, "one digit is tenths"],
	["2025-06-01T15:14:00.0000009+00:00", 1_748_790_840, 0, "below a microsecond"],
	["1970-01-01T00:00:00", 0, 0, "the epoch"],
	["1970-01-01T00:00:00.5+14:00", -50_400, 500_000, "before the epoch micros still count forwards"],
	["9999-12-31T23:59:59-14:00", 253_402_351_199, 0, "the year counts as written"],
	["2024-02-29T00:00:00", 1_709_164_800, 0, "a leap day"],
	["2000-02-29T00:00:00", 951_782_400, 0, "a leap day of a century that has one"],
];
t.test("times that are read", async (t) => {
	for (const [text, seconds, micros, why] of valid) t.strictSame(parse(text), { seconds, micros }, why);
});

const invalid: [text: string, why: string][] = [
	["2025-06-31T00:00:00", "June has 30 days"],
	["2025-02-29T00:00:00", "no leap year"],
	["2100-02-29T00:00:00", "a century without a leap day"],
	["2025-13-01T00:00:00", "month 13"],
	["2025-00-01T00:00:00", "month 0"],
	["2025-06-00T00:00:00", "day 0"],
	["1969-12-31T23:59:59", "before 1970 as written"],
	["1969-12-31T23:59:59-14:00", "before 1970 as written, though after it in UTC"],
	["10000-01-01T00:00:00", "five digits of year"],
	["+002025-06-01T00:00:00", "expanded year"],
	["2025-06-01t00:00:00", "lower-case t"],
	["2025-06-01T00:00:00z", "lower-case z"],
	["2025-06-01 00:00:00", "a space"],
	["2025-06-01", "no time"],
	["2025-06-01T00:00", "no seconds"],
	["2025-06-01T00:00Z", "no seconds with a zone"],
	["2025-06-01T24:00:00", "hour 24"],
	["2025-06-01T00:60:00", "minute 60"],
	["2025-06-01T23:59:60Z", "a leap second"],
	["2025-06-01T00:00:00.", "a dot without digits"],
	["2025-06-01T00:00:00,5", "a comma"],
	["2025-06-01T00:00:00.1234567890", "ten digits"],
	["2025-06-01T00:00:00+14:01", "beyond the furthest zone"],
	["2025-06-01T00:00:00-14:01", "beyond the furthest zone west"],
	["2025-06-01T00:00:00+15:00", "hour 15 of a zone"],
	["2025-06-01T00:00:00+01:60", "minute 60 of a zone"],
	["2025-06-01T00:00:00+0200", "a zone without a colon"],
	["2025-06-01T00:00:00+02", "a zone without minutes"],
	["2025-06-01T00:00:00ZZ", "something after the zone"],
	["2025-06-01T00:00:00Z ", "a space after the zone"],
	["2025-06-01T00:00:00\n", "a line feed after the end"],
	[" 2025-06-01T00:00:00", "a space before"],
	["20250601T000000Z", "the basic format"],
	["2025-W22-7T00:00:00", "a week date"],
	["\u0662\u0660\u0662\u0665-06-01T00:00:00", "digits of another script"],
	["", "nothing"],
];
t.test("times that are refused", async (t) => {
	for (const [text, why] of invalid) t.equal(parse(text), null, why);
});

const HOUR_MS = 3_600_000;
const correct: TimeRules = { futureSkewMs: 24 * HOUR_MS, latePolicy: "correct", lateAfterMs: HOUR_MS };
const refuseLate: TimeRules = { ...correct, latePolicy: "dead-letter" };
const recordMs = 1_748_790_840_500;

/** Verdict on an event this many microseconds after its record. */
function judge(aheadMicros: bigint, rules: TimeRules, record = recordMs) {
	const micros = BigInt(recordMs) * 1000n + aheadMicros;
	const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
	return checkEventTime(Number((micros - rest) / 1_000_000n), Number(rest), record, rules);
}

t.test(
	"an event is in the future only when it is more than the skew ahead, to the microsecond",
	async (t) => {
		const skewMicros = BigInt(correct.futureSkewMs) * 1000n;
		t.equal(judge(skewMicros, correct), null, "exactly the skew");
		t.equal(judge(skewMicros + 1n, correct), "future_event", "one microsecond more");
		t.equal(judge(skewMicros - 1n, correct), null);
		t.equal(judge(1n, { ...correct, futureSkewMs: 0 }), "future_event", "without any skew");
		t.equal(judge(0n, { ...correct, futureSkewMs: 0 }), null);
	},
);

t.test(
	"an event is late only when the policy asks, and only when it is more than the limit behind",
	async (t) => {
		const lateMicros = BigInt(refuseLate.lateAfterMs) * 1000n;
		t.equal(judge(-lateMicros, refuseLate), null, "exactly the limit");
		t.equal(judge(-lateMicros - 1n, refuseLate), "late_event", "one microsecond more");
		t.equal(judge(-lateMicros + 1n, refuseLate), null);
		t.equal(judge(-lateMicros * 100_000n, correct), null, "late events correct their hour");
	},
);

t.test("a record without a timestamp switches both checks off", async (t) => {
	t.equal(judge(10n ** 15n, refuseLate, -1), null);
	t.equal(judge(-(10n ** 15n), refuseLate, -1), null);
});

t.test("the verdict is the one of exact arithmetic for any event and record", async (t) => {
	const nearby = fc.bigInt({ min: -2_000_000n, max: 2_000_000n });
	const seen = new Map<string | null, number>();
	fc.assert(
		fc.property(fc.nat(4_000), fc.nat(4_000), nearby, (futureSkewMs, lateAfterMs, ahead) => {
			const rules: TimeRules = {
				futureSkewMs: (futureSkewMs / 2) | 0,
				latePolicy: "dead-letter",
				lateAfterMs: (lateAfterMs / 2) | 0,
			};
			const verdict = judge(ahead, rules);
			seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
			if (ahead > BigInt(rules.futureSkewMs) * 1000n) return verdict === "future_event";
			if (-ahead > BigInt(rules.lateAfterMs) * 1000n) return verdict === "late_event";
			return verdict === null;
		}),
	);
	t.equal(seen.size, 3, "all three verdicts were seen");
});
