import fc from "fast-check";
import t from "tap";
import { EVENT_TYPES } from "../../schema/event.ts";
import { CENTS_CARRY, centsOf, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";
import { hourOf, Windows } from "../../workers/windows.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 300 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

const type = (name: (typeof EVENT_TYPES)[number]) => EVENT_TYPES.indexOf(name);
const CENTS_MAX = 10 ** 14 - 1;

interface Row {
	hour: number;
	revenue: bigint;
	tickets: number;
	payouts: bigint;
	payoutEvents: number;
	logins: number;
	events: number;
}

function rowsOf(frozen: Float64Array): Row[] {
	t.equal(frozen.length % WINDOW_STRIDE, 0);
	return Array.from({ length: frozen.length / WINDOW_STRIDE }, (_, i) => {
		const row = frozen.subarray(i * WINDOW_STRIDE, (i + 1) * WINDOW_STRIDE);
		return {
			hour: row[WINDOW.hour]!,
			revenue: centsOf(row[WINDOW.revenueHi]!, row[WINDOW.revenueLo]!),
			tickets: row[WINDOW.ticketCount]!,
			payouts: centsOf(row[WINDOW.payoutHi]!, row[WINDOW.payoutLo]!),
			payoutEvents: row[WINDOW.payoutEvents]!,
			logins: row[WINDOW.loginCount]!,
			events: row[WINDOW.eventCount]!,
		};
	}).sort((a, b) => a.hour - b.hour);
}

type Event = readonly [hour: number, typeIndex: number, cents: number];

function recomputed(events: readonly Event[]): Row[] {
	const rows = new Map<number, Row>();
	for (const [hour, typeIndex, cents] of events) {
		const row = rows.get(hour) ?? {
			hour,
			revenue: 0n,
			tickets: 0,
			payouts: 0n,
			payoutEvents: 0,
			logins: 0,
			events: 0,
		};
		rows.set(hour, row);
		row.events++;
		const name = EVENT_TYPES[typeIndex];
		if (name === "ticket_purchased") {
			row.tickets++;
			row.revenue += BigInt(cents);
		} else if (name === "claim_reward") {
			row.payoutEvents++;
			row.payouts += BigInt(cents);
		} else if (name === "login") {
			row.logins++;
		}
	}
	return [...rows.values()].sort((a, b) => a.hour - b.hour);
}

t.test("deltas equal a plain recomputation, whatever the order of the events", async (t) => {
	const hour = fc.oneof(fc.integer({ min: -14, max: 20 }), fc.integer({ min: -14, max: 70_000_000 }));
	const event = fc.tuple(hour, fc.nat(EVENT_TYPES.length - 1), fc.nat(CENTS_MAX));
	fc.assert(
		fc.property(fc.array(event, { maxLength: 200 }), (events) => {
			const windows = new Windows();
			for (const each of events) windows.add(...each);
			t.same(rowsOf(windows.freeze()), recomputed(events));
			t.equal(windows.freeze().length, 0, "frozen windows start anew");
			for (const each of [...events].reverse()) windows.add(...each);
			t.same(rowsOf(windows.freeze()), recomputed(events), "also when the object is used again");
		}),
		{ numRuns: 100 },
	);
});

t.test("sums of cents stay exact far past 2^53", async (t) => {
	const windows = new Windows();
	const count = 1_000_000;
	for (let i = 0; i < count; i++) {
		windows.add(5, type("ticket_purchased"), CENTS_MAX);
		windows.add(5, type("claim_reward"), CENTS_MAX - 1);
	}
	const frozen = windows.freeze();
	const [row] = rowsOf(frozen);
	t.equal(row?.revenue, BigInt(CENTS_MAX) * BigInt(count));
	t.equal(row?.payouts, BigInt(CENTS_MAX - 1) * BigInt(count));
	t.ok(row!.revenue > 2n ** 66n);
	t.ok(frozen[WINDOW.revenueLo]! < CENTS_CARRY && Number.isSafeInteger(frozen[WINDOW.revenueHi]));
});

t.test("the low half carries at exactly 2^52", async (t) => {
	const windows = new Windows();
	const step = 2 ** 45;
	for (let i = 0; i < 127; i++) windows.add(0, type("ticket_purchased"), step);
	windows.add(0, type("ticket_purchased"), step - 1);
	const before = windows.freeze();
	t.equal(before[WINDOW.revenueLo], CENTS_CARRY - 1);
	t.equal(before[WINDOW.revenueHi], 0);
	for (let i = 0; i < 128; i++) windows.add(0, type("ticket_purchased"), step);
	const after = windows.freeze();
	t.equal(after[WINDOW.revenueLo], 0);
	t.equal(after[WINDOW.revenueHi], 1);
});

t.test("hours are rounded down, before 1970 too", async (t) => {
	for (const [seconds, hour] of [
		[0, 0],
		[3599, 0],
		[3600, 1],
		[-1, -1],
		[-3600, -1],
		[-3601, -2],
		[-50_400, -14],
	]) {
		t.equal(hourOf(seconds!), hour, `${seconds} s`);
	}
});

t.test("a frozen row is not touched by what comes after", async (t) => {
	const windows = new Windows();
	windows.add(1, type("login"), -1);
	const frozen = windows.freeze();
	windows.add(1, type("login"), -1);
	windows.add(1, type("login"), -1);
	t.equal(rowsOf(frozen)[0]?.logins, 1);
	t.equal(rowsOf(windows.freeze())[0]?.logins, 2);
});
