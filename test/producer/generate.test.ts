import { createHash } from "node:crypto";
import t from "tap";
import { BAD_KINDS } from "../../producer/bad-lines.ts";
import { activityShare } from "../../producer/day-shape.ts";
import { type GenerateCounts, type GenerateOptions, generate } from "../../producer/generate.ts";
import { createCheckingJudge } from "../../producer/judge.ts";
import { LineSplitter } from "../../producer/lines.ts";
import { isoSeconds, spellMoment } from "../../producer/moments.ts";
import { createRandom } from "../../producer/random.ts";
import { parseEventTime } from "../../schema/time.ts";
import { createEventFields, createValidator } from "../../schema/validate.ts";

const START = Date.UTC(2025, 5, 1) / 1000;
const OPTIONS: GenerateOptions = {
	events: 20_000,
	users: 500,
	hours: 24,
	startSeconds: START,
	badRatio: 0,
	lateRatio: 0.02,
	seed: 1,
};

function linesFor(changes: Partial<GenerateOptions> = {}): { lines: Buffer[]; counts: GenerateCounts } {
	const counts: GenerateCounts = { events: 0, bad: 0, late: 0 };
	const splitter = new LineSplitter();
	const lines: Buffer[] = [];
	for (const chunk of generate({ ...OPTIONS, ...changes }, counts)) lines.push(...splitter.next(chunk));
	if (splitter.end() !== null) throw new Error("the last line has no newline");
	return { lines, counts };
}

interface Parsed {
	readonly event_type: string;
	readonly event_time: string;
	readonly payload: { readonly user_id: string; readonly session_id: number; readonly amount?: number };
}

const parse = (lines: readonly Buffer[]) => lines.map((line) => JSON.parse(line.toString()) as Parsed);

function secondOf(eventTime: string): number {
	const moment = { seconds: 0, micros: 0 };
	if (!parseEventTime(eventTime, moment)) throw new Error(`bad time ${eventTime}`);
	return moment.seconds;
}

t.test("the same seed gives the same bytes, another seed gives others", async (t) => {
	const hashOf = (changes: Partial<GenerateOptions>) => {
		const hash = createHash("sha256");
		for (const chunk of generate(
			{ ...OPTIONS, badRatio: 0.05, ...changes },
			{ events: 0, bad: 0, late: 0 },
		)) {
			hash.update(chunk);
		}
		return hash.digest("hex");
	};
	t.equal(hashOf({}), hashOf({}));
	t.not(hashOf({}), hashOf({ seed: 2 }));
});

t.test("exactly as many lines as asked for, whatever is asked for", async (t) => {
	for (const changes of [
		{ events: 1 },
		{ events: 7, hours: 1 },
		{ events: 1_000, users: 1, hours: 1 },
		{ events: 1_000, hours: 720 },
		{ events: 5_000, hours: 1, lateRatio: 1 },
		{ events: 5_000, badRatio: 1 },
	]) {
		const { lines, counts } = linesFor(changes);
		t.equal(lines.length, changes.events, JSON.stringify(changes));
		t.equal(counts.events, changes.events);
	}
});

t.test("without bad lines every line is a valid event within the hours", async (t) => {
	const judge = createCheckingJudge();
	const { lines } = linesFor();
	t.equal(lines.find((line) => judge(line).refusal !== null)?.toString(), undefined);
	const seconds = parse(lines).map(({ event_time }) => secondOf(event_time));
	t.ok(Math.min(...seconds) >= START);
	t.ok(Math.max(...seconds) < START + 24 * 3600);
});

t.test("sessions log in first, belong to one user and log out last", async (t) => {
	const sessions = new Map<number, Parsed[]>();
	for (const event of parse(linesFor().lines)) {
		const list = sessions.get(event.payload.session_id) ?? [];
		list.push(event);
		sessions.set(event.payload.session_id, list);
	}
	for (const [id, events] of sessions) {
		// Stable: events of one second stay as they came, and a late one may have been overtaken within it.
		events.sort((a, b) => secondOf(a.event_time) - secondOf(b.event_time));
		const types = events.map(({ event_type }) => event_type);
		if (new Set(events.map(({ payload }) => payload.user_id)).size !== 1)
			t.fail(`session ${id} has several users`);
		if (types.filter((type) => type === "login").length !== 1) t.fail(`session ${id} logs in ${types}`);
		if (types.filter((type) => type === "logout").length > 1) t.fail(`session ${id} logs out twice`);
		const first = secondOf(events[0]!.event_time);
		const login = events.find(({ event_type }) => event_type === "login")!;
		if (secondOf(login.event_time) !== first) t.fail(`session ${id} begins before its login`);
	}
	t.ok(sessions.size > 1_000);
});

t.test("bad lines come in their share, every kind of them, and none passes for an event", async (t) => {
	const judge = createCheckingJudge();
	const { lines, counts } = linesFor({ badRatio: 0.1 });
	const refused = lines.map((line) => judge(line).refusal).filter((refusal) => refusal !== null);
	t.equal(refused.length, counts.bad);
	t.ok(Math.abs(counts.bad / 2_000 - 1) < 0.1, `${counts.bad} of about 2,000`);
	t.strictSame([...new Set(refused.map(({ reason }) => reason))].sort(), [
		"amount",
		"event_time",
		"json",
		"schema",
		"utf8",
	]);
});

t.test("each kind of bad line is refused for what it says", async (t) => {
	const judge = createCheckingJudge();
	const parts = { type: "ticket_purchased", time: "2025-06-01T10:00:00", userId: "user_1", sessionId: 1 };
	for (const [name, spoil] of Object.entries(BAD_KINDS)) {
		const line = Buffer.from(spoil(parts), "latin1");
		t.not(judge(line).refusal, null, name);
		t.ok(line.length > 0 && !line.includes(0x0a), `${name}: one line`);
	}
	const reasonOf = (name: string) => judge(Buffer.from(BAD_KINDS[name]!(parts), "latin1")).refusal;
	t.match(reasonOf("not utf-8"), { reason: "utf8" });
	t.match(reasonOf("february 30"), { reason: "event_time" });
	t.match(reasonOf("float dust in amount"), { reason: "amount" });
	t.match(reasonOf("no amount"), { reason: "schema", pointer: "/payload/amount" });
	t.match(reasonOf("lone surrogate in user"), { reason: "schema", pointer: "/payload/user_id" });
});

t.test("late events arrive after events of a later time, in about their share", async (t) => {
	const { lines, counts } = linesFor({ lateRatio: 0.1 });
	let newest = 0;
	let late = 0;
	for (const { event_time } of parse(lines)) {
		const seconds = secondOf(event_time);
		if (seconds < newest - 60) late++;
		newest = Math.max(newest, seconds);
	}
	t.ok(Math.abs(counts.late / 2_000 - 1) < 0.1, `${counts.late} held back, of about 2,000`);
	t.ok(late > counts.late * 0.8, `${late} seen to be late`);
});

t.test("users are busy by Zipf's law and the evening is busier than the night", async (t) => {
	const byUser = new Map<string, number>();
	const byHour = new Array<number>(24).fill(0);
	for (const { event_time, payload } of parse(linesFor().lines)) {
		byUser.set(payload.user_id, (byUser.get(payload.user_id) ?? 0) + 1);
		byHour[Math.floor((secondOf(event_time) - START) / 3600)]!++;
	}
	const counts = [...byUser.values()].sort((a, b) => b - a);
	const busiest = counts.slice(0, 100).reduce((sum, count) => sum + count, 0);
	t.ok(busiest > 10_000, `the busiest 100 of 500 users have ${busiest} of 20,000`);
	t.ok(byHour[19]! > 5 * byHour[3]!, `19:00 has ${byHour[19]}, 03:00 has ${byHour[3]}`);
});

t.test("activity grows from 0 to 1 and never falls", async (t) => {
	for (const [start, hours] of [
		[START, 24],
		[START + 5 * 3600, 1],
		[86_400, 170],
	] as const) {
		const share = activityShare(start, hours);
		t.equal(share(0), 0);
		t.ok(Math.abs(share(hours * 3600) - 1) < 1e-12);
		let last = 0;
		for (let after = 0; after <= hours * 3600; after += 60) {
			if (share(after) < last) t.fail(`falls at ${after}`);
			last = share(after);
		}
	}
});

t.test("a moment is the same second in all its spellings", async (t) => {
	const random = createRandom(5);
	const seconds = START + 3_599;
	const spellings = new Set<string>();
	for (let i = 0; i < 2_000; i++) {
		const text = spellMoment(seconds, isoSeconds(seconds), random);
		spellings.add(text.replace(/\d/g, "0"));
		if (secondOf(text) !== seconds) t.fail(text);
	}
	t.ok(spellings.size >= 4, [...spellings].join(" "));
});

t.test("money is plausible: payouts are less than revenue", async (t) => {
	const validate = createValidator();
	const fields = createEventFields();
	let revenueCents = 0;
	let payoutCents = 0;
	for (const event of parse(linesFor({ events: 100_000 }).lines)) {
		if (validate(event, fields) !== null) t.fail(JSON.stringify(event));
		if (event.event_type === "ticket_purchased") revenueCents += fields.cents;
		if (event.event_type === "claim_reward") payoutCents += fields.cents;
	}
	const ratio = payoutCents / revenueCents;
	t.ok(ratio > 0.1 && ratio < 1, `payout ratio ${ratio.toFixed(2)}`);
});
