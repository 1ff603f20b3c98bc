import type pg from "pg";
import { DEAD_LETTER_COLUMNS, EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import type { CandidateColumns, PartitionFold } from "../../workers/part.ts";
import { FencedError, InvariantError } from "../core-errors.ts";
import type { CommitPhases, CommitSet, RecentCounts, SetRange } from "../ports.ts";
import { binaryArray, OID } from "./binary-array.ts";
import { commit } from "./commit.ts";
import { copyBinary } from "./copy.ts";
import { within } from "./deadline.ts";
import { errorCode } from "./errors.ts";
import { type HourlyDelta, hourlyDeltas } from "./hourly-deltas.ts";
import { asRefusal, isRefusal } from "./refused-row.ts";

/** Rows of hours and how many of them are new there. */
type NewMembers = ReadonlyMap<number, number>;

/**
 * Step 7: one set, one READ COMMITTED transaction. The offset rows are compared and moved in it, so that it either
 * stores exactly `[from, to)` of every partition once, or nothing. Throws `FencedError` when a row is not where this
 * engine left it; any error leaves the transaction to be rolled back with the connection.
 */
export async function flush(
	client: pg.Client,
	topic: string,
	generation: string,
	set: CommitSet,
	recent: ReadonlyMap<number, RecentCounts>,
	stepDeadlineMs: number,
): Promise<CommitPhases> {
	const startedMs = performance.now();
	let sinceMs = startedMs;
	const lap = (): number => {
		const now = performance.now();
		const seconds = (now - sinceMs) / 1000;
		sinceMs = now;
		return seconds;
	};
	const step = <T>(name: string, work: Promise<T>): Promise<T> => within(client, name, stepDeadlineMs, work);

	const ours = <T>(name: string, work: Promise<T>): Promise<T> =>
		step(name, work).catch((error) => throwBug(name, error));

	const folds = set.parts.flatMap((part) => part.folds);
	await ours("move offsets", moveOffsets(client, topic, generation, set, folds, recent));
	const lock = lap();
	const rows = rowsOf(set);
	if (rows.length > 0) {
		const copied = copyBinary(client, "events", EVENT_COLUMNS, rows).catch((error) => {
			throw asRefusal(error, rows);
		});
		assertCopied(
			"events",
			await step("COPY events", copied),
			sum(folds, (fold) => fold.rowCount),
		);
	}
	const copy = lap();
	const dead = folds.flatMap((fold) => fold.deadLetters);
	if (dead.length > 0) {
		const copied = await ours(
			"COPY dead letters",
			copyBinary(client, "dead_letters", DEAD_LETTER_COLUMNS, dead),
		);
		assertCopied(
			"dead_letters",
			copied,
			sum(folds, (fold) => fold.deadLetterCount),
		);
	}
	const deadLetters = lap();
	const users = await ours(
		"users",
		insertMembers(
			client,
			USERS,
			folds.map((fold) => fold.users),
		),
	);
	const sessions = await ours(
		"sessions",
		insertMembers(
			client,
			SESSIONS,
			folds.map((fold) => fold.sessions),
		),
	);
	const members = lap();
	await ours("hourly totals", mergeHours(client, hourlyDeltas(set.parts), users, sessions));
	const merge = lap();
	await step("COMMIT", commit(client));
	const committed = lap();
	const total = (performance.now() - startedMs) / 1000;
	return { lock, copy, deadLetters, members, merge, commit: committed, total };
}

/** The COPY tuples of all events of a set, in the order in which they are sent. */
export function rowsOf(set: CommitSet): readonly Uint8Array[] {
	return set.parts.flatMap((part) => part.folds.flatMap((fold) => fold.rows));
}

/** What was folded is what Postgres has taken, before the COMMIT (I2, asserted in production). */
function assertCopied(table: string, copied: number, folded: number): void {
	if (copied !== folded) {
		throw new InvariantError(`${folded} rows were folded for ${table}, and Postgres took ${copied}`);
	}
}

function sum(folds: readonly PartitionFold[], count: (fold: PartitionFold) => number): number {
	return folds.reduce((total, fold) => total + count(fold), 0);
}

/** Step 7a. The lock first, its answer awaited: `UPDATE ... FROM` alone would lock in plan order and deadlock with claims. */
async function moveOffsets(
	client: pg.Client,
	topic: string,
	generation: string,
	set: CommitSet,
	folds: readonly PartitionFold[],
	recent: ReadonlyMap<number, RecentCounts>,
): Promise<void> {
	const ranges = set.ranges.filter((range) => range.from < range.to);
	await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
	await client.query({
		name: "lock_offsets",
		text: `SELECT FROM source_offsets WHERE topic = $1 AND kafka_partition = ANY ($2::int[])
			ORDER BY topic, kafka_partition FOR UPDATE`,
		values: [topic, ranges.map((range) => range.partition)],
	});
	const { rowCount } = await client.query({
		name: "move_offsets",
		text: `UPDATE source_offsets s SET
				next_offset = v.to_offset,
				gap_count = s.gap_count + v.gaps,
				stored_count = s.stored_count + v.stored,
				dead_letter_count = s.dead_letter_count + v.dead,
				last_record_offset = coalesce(v.last_offset, s.last_record_offset),
				last_record_timestamp = coalesce(v.last_timestamp, s.last_record_timestamp),
				last_record_hash = coalesce(decode(v.last_hash, 'hex'), s.last_record_hash),
				newest_event_time = greatest(s.newest_event_time, to_timestamp(v.newest_event)),
				recent_count = v.recent,
				recent_dead_letter_count = v.recent_dead,
				updated_at = now()
			FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
				$10::bigint[], $11::bigint[], $12::text[], $13::float8[], $14::int[], $15::int[])
				AS v(kafka_partition, epoch, from_offset, to_offset, gaps, stored, dead, last_offset, last_timestamp,
					last_hash, newest_event, recent, recent_dead)
			WHERE s.topic = $1 AND s.kafka_partition = v.kafka_partition
				AND s.epoch = v.epoch AND s.next_offset = v.from_offset
				AND (SELECT generation FROM ledger) = $2::bigint`,
		values: [topic, generation, ...offsetColumns(ranges, folds, recent)],
	});
	if (rowCount !== ranges.length) {
		throw new FencedError(
			`${rowCount} of ${ranges.length} offset rows are as this engine left them: another engine has claimed the ` +
				"others, or recompute or erase ran",
		);
	}
}

function offsetColumns(
	ranges: readonly SetRange[],
	folds: readonly PartitionFold[],
	recent: ReadonlyMap<number, RecentCounts>,
): unknown[] {
	const of = (range: SetRange) => folds.filter((fold) => fold.partition === range.partition);
	return [
		ranges.map((range) => range.partition),
		ranges.map((range) => range.epoch),
		ranges.map((range) => range.from),
		ranges.map((range) => range.to),
		ranges.map((range) => range.gaps),
		ranges.map((range) => sum(of(range), (fold) => fold.rowCount)),
		ranges.map((range) => sum(of(range), (fold) => fold.deadLetterCount)),
		ranges.map((range) => range.last?.offset ?? null),
		ranges.map((range) => range.last?.timestampMs ?? null),
		ranges.map((range) => (range.last === null ? null : Buffer.from(range.last.hash).toString("hex"))),
		ranges.map((range) => {
			const newest = Math.max(...of(range).map((fold) => fold.newestEventSeconds));
			return Number.isFinite(newest) ? newest : null;
		}),
		ranges.map((range) => recent.get(range.partition)?.records ?? 0),
		ranges.map((range) => recent.get(range.partition)?.deadLetters ?? 0),
	];
}

interface MemberTable {
	readonly table: string;
	readonly column: string;
	readonly oid: number;
	readonly type: string;
}

const USERS: MemberTable = { table: "hourly_users", column: "user_id", oid: OID.text, type: "text" };
const SESSIONS: MemberTable = {
	table: "hourly_sessions",
	column: "session_id",
	oid: OID.int8,
	type: "bigint",
};

/**
 * Step 7d: only rows really inserted count as new. Postgres itself makes the whole set distinct and puts it in the order
 * in which every engine inserts (sorted per partition only, two engines met in 53 deadlocks within 4 s).
 */
async function insertMembers(
	client: pg.Client,
	{ table, column, oid, type }: MemberTable,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	const count = candidates.reduce((sum, columns) => sum + columns.count, 0);
	if (count === 0) return new Map();
	const collate = type === "text" ? ' COLLATE "C"' : "";
	const { rows } = await client.query<{ hour: number; count: number }>({
		name: `insert_${table}`,
		text: `WITH added AS (
				INSERT INTO ${table} (hour, ${column})
				SELECT DISTINCT c.hour, c.id${collate} AS id
				FROM unnest($1::timestamptz[], $2::${type}[]) AS c(hour, id)
				ORDER BY 1, 2
				ON CONFLICT DO NOTHING
				RETURNING hour
			)
			SELECT (extract(epoch FROM hour) / 3600)::int AS hour, count(*)::int AS count FROM added GROUP BY 1`,
		values: [
			binaryArray(
				OID.timestamptz,
				count,
				candidates.map((columns) => columns.hours),
			),
			binaryArray(
				oid,
				count,
				candidates.map((columns) => columns.ids),
			),
		],
	});
	return new Map(rows.map((row) => [row.hour, row.count]));
}

/** Step 7e: the rows that engines share, last and in order, so that they are held for as short as can be. */
async function mergeHours(
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

/**
 * Step 10: data exceptions (22), integrity (23) and limits (54) behind the events cannot come from an event. Trying again
 * would not help: stop with an alarm.
 */
function throwBug(step: string, error: unknown): never {
	if (!isRefusal(error)) throw error;
	const { message } = error as Error;
	throw new InvariantError(`Postgres refused our ${step}: ${message} (${errorCode(error)})`, {
		cause: error,
	});
}
