/**
 * Random business data for tests of the views: events, and what the engine would have folded from them. The SQL that
 * fills the tables is the plainest there is; the tests recompute everything from the events in JavaScript.
 */
import type pg from "pg";

export interface BusinessEvent {
	/** Whole hours since 1970 UTC. */
	readonly hour: number;
	readonly type: "login" | "view_numbers" | "ticket_purchased" | "claim_reward" | "logout";
	readonly user: string;
	readonly session: number;
	/** Null where the type has no amount. */
	readonly cents: bigint | null;
}

/** From one user's number to the next: some share a row of an hour, and others do not. */
const NUMBER_STEP = 300;

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
	let state = seed | 0;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let x = Math.imul(state ^ (state >>> 15), 1 | state);
		x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
		return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
	};
}

/** Puts the events where the engine would: `events`, the hourly totals, and the tables of members. */
export async function storeBusiness(client: pg.Client, events: readonly BusinessEvent[]): Promise<void> {
	await client.query("TRUNCATE events, hourly_totals, user_numbers, hourly_users, hourly_sessions");
	await client.query(
		`INSERT INTO events (event_time, event_type, user_id, session_id, amount, kafka_partition, kafka_offset)
		SELECT to_timestamp(hour * 3600::bigint), type, "user", session, cents / 100, 0, i
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::numeric[]) WITH ORDINALITY
			AS e (hour, type, "user", session, cents, i)`,
		[
			events.map((event) => event.hour),
			events.map((event) => event.type),
			events.map((event) => event.user),
			events.map((event) => event.session),
			events.map((event) => event.cents?.toString() ?? null),
		],
	);
	await client.query(`
		INSERT INTO user_numbers (user_id, number)
			SELECT user_id, ${NUMBER_STEP} * (row_number() OVER (ORDER BY min(kafka_offset)) - 1) FROM events GROUP BY user_id;
		INSERT INTO hourly_users (hour, block, bits, added)
			SELECT date_trunc('hour', event_time, 'UTC'), number / 1024, bit_or(set_bit(0::bit(1024), (number % 1024)::int, 1)),
				count(DISTINCT user_id)
			FROM events JOIN user_numbers USING (user_id) GROUP BY 1, 2;
		INSERT INTO hourly_sessions (hour, block, bits, added)
			SELECT date_trunc('hour', event_time, 'UTC'), session_id >> 6, bit_or(1::bigint << (session_id & 63)::int),
				count(DISTINCT session_id)
			FROM events WHERE event_type = 'login' GROUP BY 1, 2;
		INSERT INTO hourly_totals
			(hour, revenue, ticket_count, payouts, payout_events, logins, events, active_users, new_sessions)
		SELECT
			date_trunc('hour', event_time, 'UTC') AS h,
			coalesce(sum(amount) FILTER (WHERE event_type = 'ticket_purchased'), 0),
			count(*) FILTER (WHERE event_type = 'ticket_purchased'),
			coalesce(sum(amount) FILTER (WHERE event_type = 'claim_reward'), 0),
			count(*) FILTER (WHERE event_type = 'claim_reward'),
			count(*) FILTER (WHERE event_type = 'login'),
			count(*),
			count(DISTINCT user_id),
			count(DISTINCT session_id) FILTER (WHERE event_type = 'login')
		FROM events
		GROUP BY h`);
}
