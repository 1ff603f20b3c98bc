/**
 * `data/events.jsonl` against its own description: the hourly table is recomputed here from the bytes, by rules
 * written a second time (regular expressions, Date, decimal text), so that our validator cannot confirm itself.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";
import type { Reason } from "../../schema/reasons.ts";
import { createEventFields, createValidator } from "../../schema/validate.ts";

const dataFile = (name: string) => join(packageRoot(), "data", name);

/** What one line turns out to be: an event of an hour, or a reason. */
type Verdict = { hour: string; type: string; user: string; session: number; cents: bigint } | Reason;

const lines = splitLines(readFileSync(dataFile("events.jsonl")));
const verdicts = lines.map(judge);

t.test("every line of the sample file is non-empty and the file ends with a line feed", async (t) => {
	t.equal(readFileSync(dataFile("events.jsonl")).at(-1), 0x0a);
	t.notOk(lines.some((line) => line.length === 0));
});

t.test("the counts in data/README.md are those of the file", async (t) => {
	const counted: Record<string, number> = { lines: lines.length, valid: 0 };
	for (const verdict of verdicts) {
		const name = typeof verdict === "string" ? verdict : "valid";
		counted[name] = (counted[name] ?? 0) + 1;
	}
	const stated: Record<string, number> = {};
	for (const row of readFileSync(dataFile("README.md"), "utf8").matchAll(/^- `(\w+)` (\d+): /gm)) {
		stated[row[1]!] = Number(row[2]);
	}
	t.strictSame(stated, counted);
});

t.test("data/expected-hourly.json is what the file adds up to", async (t) => {
	const expected = JSON.parse(readFileSync(dataFile("expected-hourly.json"), "utf8"));
	t.strictSame(expected, hourlyTable());
});

t.test("our validator says the same of every line", async (t) => {
	const validate = createValidator();
	const fields = createEventFields();
	for (const [index, line] of lines.entries()) {
		const verdict = verdicts[index]!;
		const value = parse(line);
		if (value === undefined) {
			t.match(verdict, /^(json|utf8)$/, `line ${index + 1}`);
			continue;
		}
		const invalid = validate(value, fields);
		if (typeof verdict === "string" || invalid !== null) {
			t.equal(invalid?.reason ?? "valid", verdict, `line ${index + 1}`);
			continue;
		}
		const hour = new Date(Math.floor(fields.seconds / 3600) * 3_600_000).toISOString();
		t.strictSame(
			[hour, fields.userId, fields.sessionId, fields.cents],
			[verdict.hour, verdict.user, verdict.session, Number(verdict.cents)],
			`line ${index + 1}`,
		);
	}
});

t.test("the two halves are no JSON apart and a valid event with a comma between them", async (t) => {
	const at = lines.findIndex((line) => line.toString().startsWith('"amount"'));
	t.ok(at > 0, "the second half is in the file");
	t.equal(verdicts[at - 1], "json");
	t.equal(verdicts[at], "json");
	const glued = JSON.parse(`${lines[at - 1]},${lines[at]}`);
	t.equal(createValidator()(glued, createEventFields()), null, "glued they are a valid event");
});

function splitLines(bytes: Buffer): Buffer[] {
	const found: Buffer[] = [];
	for (let from = 0; from < bytes.length; ) {
		const end = bytes.indexOf(0x0a, from);
		found.push(bytes.subarray(from, end < 0 ? bytes.length : end));
		from = end < 0 ? bytes.length : end + 1;
	}
	return found;
}

/** Undefined when the bytes are not one JSON text in UTF-8. */
function parse(line: Buffer): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line));
	} catch {
		return undefined;
	}
}

function judge(line: Buffer): Verdict {
	if (!Buffer.from(line.toString("utf8")).equals(line)) return "utf8";
	const value = parse(line);
	if (value === undefined) return "json";
	if (value === null || typeof value !== "object" || Array.isArray(value)) return "schema";
	const { event_type: type, event_time: time, payload } = value as Record<string, unknown>;
	const types = ["login", "view_numbers", "ticket_purchased", "claim_reward", "logout"];
	if (typeof type !== "string" || !types.includes(type) || typeof time !== "string") return "schema";
	if (payload === null || typeof payload !== "object") return "schema";
	const { user_id: user, session_id: session, amount } = payload as Record<string, unknown>;
	if (typeof user !== "string" || user === "" || [...user].length > 256) return "schema";
	if (user.includes("\0") || /\p{Surrogate}/u.test(user)) return "schema";
	if (!Number.isSafeInteger(session) || (session as number) < 0) return "schema";
	const hasMoney = type === "ticket_purchased" || type === "claim_reward";
	if (hasMoney && typeof amount !== "number") return "schema";
	const hour = hourOf(time);
	if (hour === null) return "event_time";
	const cents = hasMoney ? centsOf(amount as number) : -1n;
	if (cents === null) return "amount";
	return { hour, type, user, session: (session as number) || 0, cents };
}

/** The hour as ISO text, or null. The calendar is Date's: a day that runs over comes back as another day. */
function hourOf(text: string): string | null {
	const match = /^(\d{4}-\d\d-\d\d)T(\d\d:[0-5]\d:[0-5]\d)(\.\d{1,9})?(Z|[+-]\d\d:[0-5]\d)?$/.exec(text);
	if (match === null) return null;
	const written = `${match[1]}T${match[2]}.000Z`;
	const wall = new Date(written);
	if (Number.isNaN(wall.getTime()) || wall.toISOString() !== written || wall.getUTCFullYear() < 1970)
		return null;
	const zone = /^([+-])(\d\d):(\d\d)$/.exec(match[4] ?? "Z");
	const minutes = zone === null ? 0 : Number(`${zone[1]}1`) * (Number(zone[2]) * 60 + Number(zone[3]));
	if (Math.abs(minutes) > 840) return null;
	const ms = wall.getTime() - minutes * 60_000;
	return new Date(ms - (((ms % 3_600_000) + 3_600_000) % 3_600_000)).toISOString();
}

/** Cents by decimal text, or null: JavaScript prints the shortest decimal that reads back as the same double. */
function centsOf(amount: number): bigint | null {
	if (amount < 0 || amount >= 1e12) return null;
	const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(String(amount));
	return match === null ? null : BigInt(match[1]!) * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
}

/** One row per hour with an event, oldest first; money as text with two decimals. */
function hourlyTable() {
	const events = verdicts.filter((verdict) => typeof verdict !== "string");
	const hours = [...new Set(events.map((event) => event.hour))].sort();
	return hours.map((hour) => {
		const here = events.filter((event) => event.hour === hour);
		const tickets = here.filter((event) => event.type === "ticket_purchased");
		const payouts = here.filter((event) => event.type === "claim_reward");
		const logins = here.filter((event) => event.type === "login");
		return {
			hour,
			total_revenue: money(tickets),
			ticket_count: tickets.length,
			total_payouts: money(payouts),
			payout_events: payouts.length,
			active_users: new Set(here.map((event) => event.user)).size,
			new_sessions: new Set(logins.map((event) => event.session)).size,
			total_logins: logins.length,
		};
	});
}

function money(events: { cents: bigint }[]): string {
	const digits = String(events.reduce((sum, event) => sum + event.cents, 0n)).padStart(3, "0");
	return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
