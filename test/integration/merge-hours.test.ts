/** Step 7e on the real server: hot hours by their places, and what becomes of a place that is not right any more. */
import type pg from "pg";
import t, { type Test } from "tap";
import type { HourlyDelta } from "../../engine/sink/hourly-deltas.ts";
import { type HourPlaces, mergeHours } from "../../engine/sink/merge-hours.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { CENTS_CARRY } from "../../workers/part.ts";
import { createDatabase } from "../support/database.ts";
import { session, untilBlocked } from "../support/postgres-sessions.ts";

const HOUR = 485_000;

const delta = (hour: number, events = 1): HourlyDelta => ({
	hour,
	revenueHi: 1,
	revenueLo: 7,
	ticketCount: 2 * events,
	payoutHi: 0,
	payoutLo: 3,
	payoutEvents: 3 * events,
	loginCount: 4 * events,
	eventCount: events,
});

async function migrated(t: Test) {
	const database = await createDatabase(t);
	await migrate(database.settings);
	const { client } = database;
	const merge = (places: HourPlaces, ...hours: number[]): Promise<void> => {
		const deltas = hours.map((hour) => delta(hour));
		return mergeHours(client, deltas, new Map([[HOUR, 5]]), new Map([[HOUR, 6]]), places);
	};
	/** Events by hour. */
	const events = async (): Promise<Record<string, number>> => {
		const { rows } = await client.query<{ hour: string; events: number }>(
			`SELECT extract(epoch FROM hour)::bigint / 3600 - ${HOUR} AS hour, events::int FROM hourly_totals ORDER BY 1`,
		);
		return Object.fromEntries(rows.map((row) => [row.hour, row.events]));
	};
	return { database, client, merge, events };
}

async function ctidOf(client: pg.Client, hour: number): Promise<string> {
	const { rows } = await client.query<{ ctid: string }>(
		"SELECT ctid FROM hourly_totals WHERE hour = to_timestamp($1::float8 * 3600)",
		[hour],
	);
	return rows[0]!.ctid;
}

async function ctidsOf(client: pg.Client, hours: readonly number[]): Promise<string[]> {
	const ctids: string[] = [];
	for (const hour of hours) ctids.push(await ctidOf(client, hour));
	return ctids;
}

/** Exactly this is known. */
function knowing(...known: readonly (readonly [hour: number, ctid: string])[]): HourPlaces {
	return new Map(known);
}

/** Cents of so many deltas, as Postgres writes them. */
function money(n: number): string {
	const cents = ((BigInt(CENTS_CARRY) + 7n) * BigInt(n)).toString();
	return `${cents.slice(0, -2)}.${cents.slice(-2)}`;
}

t.test("every column is added up, by key and by place alike", async (t) => {
	const { client, merge } = await migrated(t);
	const row = async () => {
		const { rows } = await client.query(
			`SELECT revenue, ticket_count::int, payouts, payout_events::int, logins::int, events::int, active_users::int,
				new_sessions::int FROM hourly_totals ORDER BY hour`,
		);
		return rows[0];
	};
	const times = (n: number) => ({
		revenue: money(n),
		ticket_count: 2 * n,
		payouts: (0.03 * n).toFixed(2),
		payout_events: 3 * n,
		logins: 4 * n,
		events: n,
		active_users: 5 * n,
		new_sessions: 6 * n,
	});
	const places = new Map();
	await merge(places, HOUR);
	t.same(await row(), times(1));
	await merge(new Map(), HOUR);
	t.same(await row(), times(2), "by key");
	places.set(HOUR, await ctidOf(client, HOUR));
	await merge(places, HOUR);
	t.same(await row(), times(3), "by place");
	t.equal(places.get(HOUR), await ctidOf(client, HOUR));
	await merge(places);
	t.same(await row(), times(3), "nothing to add");
	const others = Array.from({ length: 24 }, (_, i) => HOUR + 1 + i);
	for (let set = 0; set < 2; set++) await merge(new Map(), HOUR, ...others);
	t.same(await row(), times(5), "in a set of very many hours");
});

t.test(
	"places are known of the hours of usual sets; a set of very many hours goes by the keys",
	async (t) => {
		const { client, merge, events } = await migrated(t);
		const hours = Array.from({ length: 24 }, (_, i) => HOUR - 23 + i);
		const places: HourPlaces = new Map();
		for (let set = 0; set < 3; set++) await merge(places, ...hours);
		t.same(
			hours.map((hour) => places.get(hour)),
			await ctidsOf(client, hours),
		);
		await merge(places, HOUR - 24, ...hours);
		t.notOk(places.has(HOUR - 24));
		await merge(places, ...hours);
		t.same(await events(), Object.fromEntries([["-24", 1], ...hours.map((hour) => [hour - HOUR, 5])]));
	},
);

t.test("an hour that somebody else has written is found by its key, and added to once", async (t) => {
	const { client, merge, events } = await migrated(t);
	const places = new Map();
	await merge(places, HOUR - 1, HOUR);
	await client.query(
		"UPDATE hourly_totals SET updated_at = now() WHERE hour = to_timestamp($1::float8 * 3600)",
		[HOUR - 1],
	);
	await merge(places, HOUR - 1, HOUR);
	t.same(await events(), { "-1": 2, 0: 2 });
	await merge(knowing([HOUR, "(4000000,1)"]), HOUR);
	t.same(await events(), { "-1": 2, 0: 3 });
});

t.test("a place where another hour lies now is not mistaken for ours", async (t) => {
	const { client, merge, events } = await migrated(t);
	await merge(new Map(), HOUR - 1, HOUR);
	await merge(knowing([HOUR, await ctidOf(client, HOUR - 1)]), HOUR);
	t.same(await events(), { "-1": 1, 0: 2 });
});

t.test("two engines that add to the hour at once both count", async (t) => {
	const { database, client, merge, events } = await migrated(t);
	await merge(new Map(), HOUR);
	const before = await ctidOf(client, HOUR);
	const other = await session(t, database);
	await client.query("BEGIN");
	await merge(knowing([HOUR, before]), HOUR);
	const theirs = knowing([HOUR, before]);
	const waiting = mergeHours(other.client, [delta(HOUR, 10)], new Map(), new Map(), theirs);
	await untilBlocked(client, other.pid);
	await client.query("COMMIT");
	await waiting;
	t.same(await events(), { 0: 12 });
});

/** More of them go by the keys. */
for (const count of [3, 25]) {
	t.test(`${count} hours are taken in one order: two engines never meet in a circle`, async (t) => {
		const { database, client, merge, events } = await migrated(t);
		const hours = Array.from({ length: count }, (_, i) => HOUR - i);
		for (const hour of hours) await merge(new Map(), hour);
		const other = await session(t, database);
		await client.query("BEGIN");
		await merge(new Map(), Math.min(...hours));
		await other.client.query("BEGIN");
		// In the order given, a statement would hold all the others now and wait for the last.
		const deltas = hours.map((hour) => delta(hour));
		if (count < 25) deltas.reverse();
		const waiting = mergeHours(other.client, deltas, new Map(), new Map(), new Map());
		await untilBlocked(client, other.pid);
		await merge(new Map(), HOUR);
		await client.query("COMMIT");
		await waiting;
		await other.client.query("COMMIT");
		const written = await events();
		t.same([written[1 - count], written[0], written[-1]], [3, 3, 2]);
	});
}

t.test("places are used, however many versions the key leads to", async (t) => {
	const { client, merge } = await migrated(t);
	const settled = Array.from({ length: 500 }, (_, i) => HOUR - 500 + i);
	await merge(new Map(), ...settled);
	await client.query("VACUUM ANALYZE hourly_totals");
	await client.query("SET enable_seqscan = off");
	const scans = async (): Promise<number> => {
		const { rows } = await client.query(
			`SELECT (pg_stat_get_xact_numscans('hourly_totals'::regclass)
				+ pg_stat_get_xact_numscans('hourly_totals_pkey'::regclass))::int AS scans`,
		);
		return rows[0].scans;
	};
	/** Of the table and of its key, for two hours. Within a transaction, where nothing resets the counters. */
	const scansOf = async (places: HourPlaces): Promise<number> => {
		await client.query("BEGIN");
		const before = await scans();
		await merge(places, HOUR - 1, HOUR);
		const made = (await scans()) - before;
		await client.query("COMMIT");
		return made;
	};
	const places: HourPlaces = new Map();
	await merge(places, HOUR - 1, HOUR);
	for (let set = 0; set < 8; set++) t.equal(await scansOf(places), 0, `set ${set}`);
	t.ok((await scansOf(new Map())) >= 2, "which would be seen");
});
