import type pg from "pg";
import { CENTS_CARRY } from "../../workers/part.ts";
import { binaryArray, OID } from "./binary-array.ts";
import type { HourlyDelta } from "./hourly-deltas.ts";
import type { NewMembers } from "./insert-members.ts";
import { int8Elements } from "./int8-elements.ts";

/** So many of the newest hours go one by one, by their places: nearly every set adds to them, late events included. */
const HOT_HOURS = 8;
/** Sets of more hours than this have no hot ones: all at once is cheaper. */
const HOURS_MAX = 24;
/** After somebody else has changed a row: he will again, and its key is as good then. */
const SETS_BY_KEY = 64;
/** More places than this are mostly of hours that are over. */
const PLACES_MAX = 64;

/**
 * Where the newest versions of the rows of some hours lie (`ctid`), by hour. Rows are looked up where this engine has put
 * them last: while somebody holds a snapshot open, the key leads to every version that was written since.
 */
export class HourPlaces {
	readonly #places = new Map<number, string>();
	#setsByKey = 0;

	/** Of a set's hours, oldest first, those that go by their places: its newest ones, or none. */
	hotOf(deltas: readonly HourlyDelta[]): readonly HourlyDelta[] {
		if (this.#setsByKey > 0) {
			this.#setsByKey--;
			return [];
		}
		return deltas.length > HOURS_MAX ? [] : deltas.slice(-HOT_HOURS);
	}

	of(hour: number): string | undefined {
		return this.#places.get(hour);
	}

	/** Not while keys are used: it would be another one by the time it is asked for. */
	note(hour: number, ctid: string): void {
		if (this.#setsByKey > 0) return;
		if (this.#places.size >= PLACES_MAX) this.#places.clear();
		this.#places.set(hour, ctid);
	}

	/** A row was not where it was put: other engines write it too. */
	missed(): void {
		this.#places.clear();
		this.#setsByKey = SETS_BY_KEY;
	}
}

interface PlaceRow {
	readonly ctid: string;
}

const DELTAS = `unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
				$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
				AS v(hour, revenue_hi, revenue_lo, tickets, payouts_hi, payouts_lo, payout_events, logins, events, users,
					sessions)`;
const REVENUE = `(v.revenue_hi * ${CENTS_CARRY}::numeric + v.revenue_lo) * 0.01`;
const PAYOUTS = `(v.payouts_hi * ${CENTS_CARRY}::numeric + v.payouts_lo) * 0.01`;

const BY_KEY = `INSERT INTO hourly_totals AS t
				(hour, revenue, ticket_count, payouts, payout_events, logins, events, active_users, new_sessions)
			SELECT timestamptz 'epoch' + v.hour * interval '1 hour', ${REVENUE}, v.tickets, ${PAYOUTS}, v.payout_events,
				v.logins, v.events, v.users, v.sessions
			FROM ${DELTAS}
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

/** The hour is compared as what no index knows: the plan would go through all versions again. */
const BY_PLACE = `UPDATE hourly_totals AS t SET
				revenue = t.revenue + ${REVENUE},
				ticket_count = t.ticket_count + v.tickets,
				payouts = t.payouts + ${PAYOUTS},
				payout_events = t.payout_events + v.payout_events,
				logins = t.logins + v.logins,
				events = t.events + v.events,
				active_users = t.active_users + v.users,
				new_sessions = t.new_sessions + v.sessions,
				updated_at = now()
			FROM ${DELTAS}
			WHERE t.ctid = $12::tid AND extract(epoch FROM t.hour) = v.hour * 3600
			RETURNING t.ctid`;

/**
 * Step 7e: the rows that engines share, last and in order, so that they are held for as short as can be. `deltas`: by
 * hour, the newest last.
 */
export async function mergeHours(
	client: pg.Client,
	deltas: readonly HourlyDelta[],
	users: NewMembers,
	sessions: NewMembers,
	places: HourPlaces,
): Promise<void> {
	if (deltas.length === 0) return;
	const hot = places.hotOf(deltas);
	const others = deltas.slice(0, deltas.length - hot.length);
	if (others.length > 0) {
		await client.query({ name: "merge_hours", text: BY_KEY, values: columnsOf(others, users, sessions) });
	}
	for (const delta of hot) await mergeHour(client, delta.hour, columnsOf([delta], users, sessions), places);
}

async function mergeHour(
	client: pg.Client,
	hour: number,
	values: readonly Buffer[],
	places: HourPlaces,
): Promise<void> {
	const place = places.of(hour);
	if (place !== undefined) {
		const { rows } = await client.query<PlaceRow>({
			name: "merge_hour_at_place",
			text: BY_PLACE,
			values: [...values, place],
		});
		if (rows[0] !== undefined) {
			places.note(hour, rows[0].ctid);
			return;
		}
		places.missed();
	}
	const { rows } = await client.query<PlaceRow>({
		name: "merge_hour",
		text: `${BY_KEY} RETURNING t.ctid`,
		values: [...values],
	});
	if (rows[0] !== undefined) places.note(hour, rows[0].ctid);
}

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
