import type pg from "pg";
import type { HourlyDelta } from "./hourly-deltas.ts";
import type { NewMembers } from "./insert-members.ts";

/** Step 7e: the rows that engines share, last and in order, so that they are held for as short as can be. */
export async function mergeHours(
	client: pg.Client,
	deltas: readonly HourlyDelta[],
	users: NewMembers,
	sessions: NewMembers,
): Promise<void> {
	if (deltas.length === 0) return;
	await client.query({
		name: "merge_hours",
		text: `INSERT INTO hourly_totals AS t
				(hour, revenue, ticket_count, payouts, payout_events, logins, events, active_users, new_sessions)
			SELECT timestamptz 'epoch' + v.hour * interval '1 hour', v.revenue * 0.01, v.tickets, v.payouts * 0.01,
				v.payout_events, v.logins, v.events, v.users, v.sessions
			FROM unnest($1::int[], $2::numeric[], $3::bigint[], $4::numeric[], $5::bigint[], $6::bigint[], $7::bigint[],
				$8::bigint[], $9::bigint[])
				AS v(hour, revenue, tickets, payouts, payout_events, logins, events, users, sessions)
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
				updated_at = now()`,
		values: [
			deltas.map((delta) => delta.hour),
			deltas.map((delta) => delta.revenueCents.toString()),
			deltas.map((delta) => delta.ticketCount),
			deltas.map((delta) => delta.payoutCents.toString()),
			deltas.map((delta) => delta.payoutEvents),
			deltas.map((delta) => delta.loginCount),
			deltas.map((delta) => delta.eventCount),
			deltas.map((delta) => users.get(delta.hour) ?? 0),
			deltas.map((delta) => sessions.get(delta.hour) ?? 0),
		],
	});
}
