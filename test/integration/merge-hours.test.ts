/** Step 7e on the real server: hot hours by their places, and what becomes of a place that is not right any more. */
import type pg from "pg";
import t, { type Test } from "tap";
import type { HourlyDelta } from "../../engine/sink/hourly-deltas.ts";
import { HourPlaces, mergeHours } from "../../engine/sink/merge-hours.ts";
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
	const places = new HourPlaces();
	for (const [hour, ctid] of known) places.note(hour, ctid);
	return places;
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
				new_sessions::int FROM hourly_totals`,
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
	const places = new HourPlaces();
	await merge(places, HOUR);
	t.same(await row(), times(1));
	await merge(new HourPlaces(), HOUR);
	t.same(await row(), times(2), "by key");
	places.note(HOUR, await ctidOf(client, HOUR));
	await merge(places, HOUR);
	t.same(await row(), times(3), "by place");
	t.equal(places.of(HOUR), await ctidOf(client, HOUR));
	await merge(places);
	t.same(await row(), times(3), "nothing to add");
});

t.test("the newest eight hours of a set are hot; of a set of very many hours, none", async (t) => {
	const { client, merge, events } = await migrated(t);
	const hours = Array.from({ length: 10 }, (_, i) => HOUR - 9 + i);
	const places = new HourPlaces();
	for (let set = 0; set < 3; set++) await merge(places, ...hours);
	t.same(
		hours.map((hour) => places.of(hour)),
		await ctidsOf(client, hours.slice(2)).then((ctids) => [undefined, undefined, ...ctids]),
	);
	t.same(await events(), Object.fromEntries(hours.map((hour) => [hour - HOUR, 3])));
	const many = Array.from({ length: 25 }, (_, i) => HOUR + 100 + i);
	await merge(places, ...many);
	t.same(
		many.map((hour) => places.of(hour)),
		many.map(() => undefined),
	);
	t.equal((await events())["124"], 1);
});

t.test("an hour that somebody else has written is found by its key, and added to once", async (t) => {
	const { client, merge, events } = await migrated(t);
	const places = new HourPlaces();
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

t.test("where others write the same hours, keys are used for a while, and places tried again", async (t) => {
	const { client, merge, events } = await migrated(t);
	const places = knowing([HOUR, "(4000000,1)"]);
	let sets = 0;
	for (; sets < 65; sets++) await merge(places, HOUR - 1, HOUR);
	t.same([places.of(HOUR - 1), places.of(HOUR)], [undefined, undefined]);
	for (; sets < 70; sets++) await merge(places, HOUR - 1, HOUR);
	t.same([places.of(HOUR - 1), places.of(HOUR)], await ctidsOf(client, [HOUR - 1, HOUR]));
	t.same(await events(), { "-1": 70, 0: 70 });
});

t.test("a place where another hour lies now is not mistaken for ours", async (t) => {
	const { client, merge, events } = await migrated(t);
	await merge(new HourPlaces(), HOUR - 1, HOUR);
	await merge(knowing([HOUR, await ctidOf(client, HOUR - 1)]), HOUR);
	t.same(await events(), { "-1": 1, 0: 2 });
});

t.test("two engines that add to the hour at once both count", async (t) => {
	const { database, client, merge, events } = await migrated(t);
	await merge(new HourPlaces(), HOUR);
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

/** Whether hours are hot or not; both must be taken in order. */
for (const [how, sets] of [
	["one by one", 0],
	["all at once", 1],
] as const) {
	t.test(`hours are taken in one order, ${how}: two engines never meet in a circle`, async (t) => {
		const { database, client, merge, events } = await migrated(t);
		await merge(new HourPlaces(), HOUR - 2, HOUR - 1, HOUR);
		const other = await session(t, database);
		await client.query("BEGIN");
		await merge(new HourPlaces(), HOUR - 2);
		const theirs = new HourPlaces();
		if (sets > 0) theirs.missed();
		// In the order given, a statement for all would hold the second row now and wait for the first.
		const deltas = [delta(HOUR - 1), delta(HOUR - 2), delta(HOUR)];
		await other.client.query("BEGIN");
		const ordered = how === "one by one" ? deltas.toSorted((a, b) => a.hour - b.hour) : deltas;
		const waiting = mergeHours(other.client, ordered, new Map(), new Map(), theirs);
		await untilBlocked(client, other.pid);
		await merge(new HourPlaces(), HOUR - 1);
		await client.query("COMMIT");
		await waiting;
		await other.client.query("COMMIT");
		t.same(await events(), { "-2": 3, "-1": 3, 0: 2 });
	});
}

t.test("the plan goes by the place however many versions the key leads to", async (t) => {
	const { client, merge } = await migrated(t);
	await merge(new HourPlaces(), ...Array.from({ length: 2_000 }, (_, i) => HOUR - 2_000 + i));
	await client.query("VACUUM ANALYZE hourly_totals");
	await client.query("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan");
	const places = new HourPlaces();
	for (let set = 0; set < 2; set++) await merge(places, HOUR);
	const { rows } = await client.query<{ statement: string }>(
		"SELECT statement FROM pg_prepared_statements WHERE name = 'merge_hour_at_place'",
	);
	const numbers = Array.from({ length: 11 }, () => "'{1}'").join();
	await client.query(`PREPARE by_place AS ${rows[0]!.statement}`);
	const plan = await client.query<{ "QUERY PLAN": string }>(
		`EXPLAIN EXECUTE by_place(${numbers}, '${places.of(HOUR)}')`,
	);
	t.match(plan.rows.map((row) => row["QUERY PLAN"]).join("\n"), /Tid Scan on hourly_totals/);
});
