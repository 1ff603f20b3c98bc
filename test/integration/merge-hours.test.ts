/** Step 7e on the real server: the newest hour by its place, and what becomes of a place that is not right any more. */
import type pg from "pg";
import t, { type Test } from "tap";
import type { HourlyDelta } from "../../engine/sink/hourly-deltas.ts";
import { type HourPlace, mergeHours } from "../../engine/sink/merge-hours.ts";
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
	const merge = (place: HourPlace | null, ...hours: number[]): Promise<HourPlace | null> => {
		const deltas = hours.map((hour) => delta(hour));
		return mergeHours(client, deltas, new Map([[HOUR, 5]]), new Map([[HOUR, 6]]), place);
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

async function placeOf(client: pg.Client, hour: number): Promise<HourPlace> {
	const { rows } = await client.query<{ ctid: string }>(
		"SELECT ctid FROM hourly_totals WHERE hour = to_timestamp($1::float8 * 3600)",
		[hour],
	);
	return { hour, ctid: rows[0]!.ctid };
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
		revenue: (((BigInt(CENTS_CARRY) + 7n) * BigInt(n)) / 100n)
			.toString()
			.concat(".", (((BigInt(CENTS_CARRY) + 7n) * BigInt(n)) % 100n).toString().padStart(2, "0")),
		ticket_count: 2 * n,
		payouts: (0.03 * n).toFixed(2),
		payout_events: 3 * n,
		logins: 4 * n,
		events: n,
		active_users: 5 * n,
		new_sessions: 6 * n,
	});
	const first = await merge(null, HOUR);
	t.same(await row(), times(1));
	const second = await merge(null, HOUR);
	t.same(await row(), times(2), "by key");
	t.not(second?.ctid, first?.ctid);
	const third = await merge(second, HOUR);
	t.same(await row(), times(3), "by place");
	t.same(third, await placeOf(client, HOUR));
});

t.test("of several hours the newest one is found by its place, and the others by their keys", async (t) => {
	const { client, merge, events } = await migrated(t);
	let place = await merge(null, HOUR - 2, HOUR - 1, HOUR);
	t.same(place, await placeOf(client, HOUR));
	place = await merge(place, HOUR - 1, HOUR);
	place = await merge(place, HOUR - 1, HOUR + 1);
	t.same(place, await placeOf(client, HOUR + 1));
	t.same(await merge(place), place, "nothing to add");
	t.same(await merge(place, HOUR - 2), await placeOf(client, HOUR - 2), "late ones alone");
	t.same(await events(), { "-2": 2, "-1": 3, 0: 2, 1: 1 });
});

t.test("an hour that somebody else has written is found by its key, and added to once", async (t) => {
	const { client, merge, events } = await migrated(t);
	const place = await merge(null, HOUR);
	await client.query("UPDATE hourly_totals SET updated_at = now()");
	const now = await merge(place, HOUR);
	t.same(now, await placeOf(client, HOUR));
	t.same(await events(), { 0: 2 });
	t.same(await merge({ hour: HOUR, ctid: "(4000000,1)" }, HOUR), await placeOf(client, HOUR));
	t.same(await events(), { 0: 3 });
});

t.test("a place where another hour lies now is not mistaken for ours", async (t) => {
	const { client, merge, events } = await migrated(t);
	await merge(null, HOUR - 1, HOUR);
	const { ctid } = await placeOf(client, HOUR - 1);
	await merge({ hour: HOUR, ctid }, HOUR);
	t.same(await events(), { "-1": 1, 0: 2 });
});

t.test("two engines that add to the hour at once both count", async (t) => {
	const { database, client, merge, events } = await migrated(t);
	const place = await merge(null, HOUR);
	const other = await session(t, database);
	await client.query("BEGIN");
	await merge(place, HOUR);
	const waiting = mergeHours(other.client, [delta(HOUR, 10)], new Map(), new Map(), place);
	await untilBlocked(client, other.pid);
	await client.query("COMMIT");
	t.same(await waiting, await placeOf(client, HOUR));
	t.same(await events(), { 0: 12 });
});

t.test(
	"older hours are taken in one order: two engines that share some never meet in a circle",
	async (t) => {
		const { database, client, merge, events } = await migrated(t);
		await merge(null, HOUR - 2, HOUR - 1, HOUR);
		const other = await session(t, database);
		await client.query("BEGIN");
		await merge(null, HOUR - 2);
		// In the order given, it would hold the second row now and wait for the first.
		const unsorted = [delta(HOUR - 1), delta(HOUR - 2), delta(HOUR)];
		await other.client.query("BEGIN");
		const waiting = mergeHours(other.client, unsorted, new Map(), new Map(), null);
		await untilBlocked(client, other.pid);
		await merge(null, HOUR - 1);
		await client.query("COMMIT");
		await waiting;
		await other.client.query("COMMIT");
		t.same(await events(), { "-2": 3, "-1": 3, 0: 2 });
	},
);

t.test("the plan goes by the place however many versions the key leads to", async (t) => {
	const { client, merge } = await migrated(t);
	await merge(null, ...Array.from({ length: 2_000 }, (_, i) => HOUR - 2_000 + i));
	await client.query("VACUUM ANALYZE hourly_totals");
	await client.query("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan");
	let place = await merge(null, HOUR);
	place = await merge(place, HOUR);
	const { rows } = await client.query<{ statement: string }>(
		"SELECT statement FROM pg_prepared_statements WHERE name = 'merge_hour_at_place'",
	);
	await client.query("DEALLOCATE merge_hour_at_place");
	const numbers = Array.from({ length: 11 }, () => "'{1}'").join();
	await client.query(`PREPARE by_place AS ${rows[0]!.statement}`);
	const plan = await client.query<{ "QUERY PLAN": string }>(
		`EXPLAIN EXECUTE by_place(${numbers}, '${place!.ctid}')`,
	);
	t.match(plan.rows.map((row) => row["QUERY PLAN"]).join("\n"), /Tid Scan on hourly_totals/);
});
