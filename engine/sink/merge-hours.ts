import type pg from "pg";
import { CENTS_CARRY } from "../../workers/part.ts";
import { binaryArray, OID } from "./binary-array.ts";
import type { HourlyDelta } from "./hourly-deltas.ts";
import type { NewMembers } from "./insert-members.ts";
import { int8Elements } from "./int8-elements.ts";
import { NOWHERE } from "./move-offsets.ts";

/**
 * Where the newest versions of the rows of some hours lie (`ctid`), by hour: rows are looked up where this engine has put
 * them last.
 */
export type HourPlaces = Map<number, string>;

/** Sets of more hours than this go by the keys: for so many, one statement is cheaper than a look for each. */
const HOURS_BY_PLACE_MAX = 24;
/** More places than this are mostly of hours that are over. */
const PLACES_MAX = 64;

/** Step 7e: the rows that engines share, last and in order, so that they are held for as short as can be. */
export async function mergeHours(
	client: pg.Client,
	deltas: readonly HourlyDelta[],
	users: NewMembers,
	sessions: NewMembers,
	places: HourPlaces,
): Promise<void> {
	if (deltas.length === 0) return;
	const columns = columnsOf(deltas, users, sessions);
	if (deltas.length > HOURS_BY_PLACE_MAX) {
		await client.query({ name: "merge_hours", text: BY_KEY, values: columns });
		return;
	}
	// In the order of the deltas, which is that of the hours.
	const { rows } = await client.query<{ places: string[] }>({
		name: "add_to_hours",
		text: "SELECT add_to_hours($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::tid[]) AS places",
		values: [...columns, deltas.map(({ hour }) => places.get(hour) ?? NOWHERE)],
	});
	if (places.size > PLACES_MAX) places.clear();
	for (const [i, place] of (rows[0]?.places ?? []).entries()) places.set(deltas[i]!.hour, place);
}

const BY_KEY = `INSERT INTO hourly_totals AS t
				(hour, revenue, ticket_count, payouts, payout_events, logins, events, active_users, new_sessions)
			SELECT timestamptz 'epoch' + v.hour * interval '1 hour',
				(v.revenue_hi * ${CENTS_CARRY}::numeric + v.revenue_lo) * 0.01, v.tickets,
				(v.payouts_hi * ${CENTS_CARRY}::numeric + v.payouts_lo) * 0.01, v.payout_events,
				v.logins, v.events, v.users, v.sessions
			FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
				$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
				AS v(hour, revenue_hi, revenue_lo, tickets, payouts_hi, payouts_lo, payout_events, logins, events, users,
					sessions)
			ORDER BY v.hour
			ON CONFLICT (hour) DO UPDATE SET
				revenue = t.revenue + excluded.revenue,
				ticket_count = t.ticket_count + excluded.ticket_count,
				payouts = t.payouts + excluded.payouts,
				payout_events = t.payout_events + excluded.payout_events,
				logins = t.logins + excluded.logins,
				events = t.events + excluded.events,
				active_users = t.active_users + excluded.active_users,
				new_sessions = t.new_sessions + excluded.new_sessions,
				updated_at = now()`;

function columnsOf(deltas: readonly HourlyDelta[], users: NewMembers, sessions: NewMembers): Buffer[] {
	const column = (of: (delta: HourlyDelta) => number): Buffer =>
		binaryArray(OID.int8, deltas.length, [int8Elements(Float64Array.from(deltas, of))]);
	return [
		column((delta) => delta.hour),
		column((delta) => delta.revenueHi),
		column((delta) => delta.revenueLo),
		column((delta) => delta.ticketCount),
		column((delta) => delta.payoutHi),
		column((delta) => delta.payoutLo),
		column((delta) => delta.payoutEvents),
		column((delta) => delta.loginCount),
		column((delta) => delta.eventCount),
		column((delta) => users.get(delta.hour) ?? 0),
		column((delta) => sessions.get(delta.hour) ?? 0),
	];
}
