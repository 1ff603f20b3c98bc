/** Days of a business time zone: those of 23 and of 25 hours, and sums that are the same whatever the zone. */
import t, { type Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { type ReportResult, readReport } from "../../engine/sink/report.ts";
import { type BusinessEvent, seededRandom, storeBusiness } from "../support/business.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const HOUR_MS = 3_600_000;
const ZONES = [
	"UTC",
	"Europe/Berlin",
	"America/New_York",
	"Asia/Kolkata",
	"Australia/Lord_Howe",
	"Pacific/Apia",
];

/** Some events in every hour from `from` on. */
async function filled(test: Test, from: string, hours: number, seed: number) {
	const { settings, client } = await createDatabase(test);
	await migrate(settings);
	const random = seededRandom(seed);
	const first = Date.parse(from) / HOUR_MS;
	const events = Array.from({ length: hours * 6 }, (_, i): BusinessEvent => {
		const hour = first + (i % hours);
		const type = random() < 0.5 ? "ticket_purchased" : random() < 0.5 ? "claim_reward" : "login";
		const cents = type === "login" ? null : BigInt(Math.floor(random() * 100_000));
		return { hour, type, user: `u${Math.floor(random() * 25)}`, session: i, cents };
	});
	await storeBusiness(client, events);
	return { settings, events };
}

/** The date of each event's hour, as its inhabitants write it. Knows of zones what ICU knows, not what Postgres does. */
function datesIn(zone: string, events: readonly BusinessEvent[]): ReadonlyMap<number, string> {
	const { format } = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" });
	const hours = [...new Set(events.map(({ hour }) => hour))].sort((a, b) => a - b);
	return new Map(hours.map((hour) => [hour, format(hour * HOUR_MS)]));
}

function text(cents: bigint): string {
	return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}

function sumOf(events: readonly BusinessEvent[], type: BusinessEvent["type"]): bigint {
	return events.reduce((sum, event) => (event.type === type ? sum + event.cents! : sum), 0n);
}

/** What the daily report must say: date, revenue, payouts, tickets, logins, distinct users, hours. */
function expectedDays(events: readonly BusinessEvent[], zone: string): string[][] {
	const dates = datesIn(zone, events);
	return [...new Set(dates.values())].map((date) => {
		const own = events.filter(({ hour }) => dates.get(hour) === date);
		const count = (type: BusinessEvent["type"]) => String(own.filter((event) => event.type === type).length);
		return [
			date,
			text(sumOf(own, "ticket_purchased")),
			text(sumOf(own, "claim_reward")),
			count("ticket_purchased"),
			count("login"),
			String(new Set(own.map(({ user }) => user)).size),
			String(new Set(own.map(({ hour }) => hour)).size),
		];
	});
}

function columns(report: ReportResult, keys: readonly string[]): string[][] {
	const places = keys.map((key) => report.columns.findIndex((column) => column.key === key));
	return report.rows.map((row) => places.map((place) => String(row[place])));
}

function daily(settings: TestDatabase["settings"], zone: string): Promise<ReportResult> {
	return readReport(settings, "daily", { zone });
}

const KEYS = ["date", "revenue", "payouts", "tickets", "logins", "active_users", "hours"];

for (const [season, from, berlin] of [
	["spring: one day has 23 hours", "2025-03-28T00:00:00Z", ["23", "24", "23", "24", "22"]],
	["autumn: one day has 25 hours", "2025-10-24T00:00:00Z", ["22", "24", "25", "24", "1"]],
] as const) {
	t.test(`every day of every zone is what its own hours add up to; ${season}`, async (t) => {
		const seed = 20_250_330;
		t.comment(`seed ${seed}`);
		const { settings, events } = await filled(t, from, season.startsWith("spring") ? 116 : 96, seed);
		for (const zone of ZONES) {
			t.same(columns(await daily(settings, zone), KEYS), expectedDays(events, zone), zone);
		}
		const hours = columns(await daily(settings, "Europe/Berlin"), ["hours"]).flat();
		t.same(hours, berlin, "Berlin's days");
	});

	t.test(`sums over all days are the same in every zone; ${season}`, async (t) => {
		const { settings, events } = await filled(t, from, 96, 7);
		for (const zone of ZONES) {
			const report = await daily(settings, zone);
			const total = (key: string) =>
				columns(report, [key]).reduce((sum, [value]) => sum + BigInt(value!.replace(".", "")), 0n);
			t.equal(total("revenue"), sumOf(events, "ticket_purchased"), `revenue in ${zone}`);
			t.equal(total("payouts"), sumOf(events, "claim_reward"), `payouts in ${zone}`);
			t.equal(total("hours"), 96n, `hours in ${zone}`);
		}
	});
}

t.test("the hour that comes twice in autumn is two rows, told apart by their offset", async (t) => {
	const { settings } = await filled(t, "2025-10-25T23:00:00Z", 4, 1);
	for (const name of ["hourly", "rolling"]) {
		const report = await readReport(settings, name, { zone: "Europe/Berlin" });
		t.same(
			columns(report, ["hour"]).flat(),
			[
				"2025-10-26 01:00:00+02",
				"2025-10-26 02:00:00+02",
				"2025-10-26 02:00:00+01",
				"2025-10-26 03:00:00+01",
			],
			name,
		);
	}
});

t.test("a zone shows hours elsewhere and changes no figure", async (t) => {
	const { settings } = await filled(t, "2025-10-25T00:00:00Z", 48, 3);
	for (const [name, variables] of [
		["hourly", {}],
		["rolling", {}],
		["payout-risk", { ratio: "0.1" }],
	] as const) {
		const figures = async (zone: string) =>
			(await readReport(settings, name, { ...variables, zone })).rows.map((row) => row.slice(1));
		const inUtc = await figures("UTC");
		t.ok(inUtc.length > 10, `${name} has rows`);
		for (const zone of ZONES) t.same(await figures(zone), inUtc, `${name} in ${zone}`);
	}
});
