/**
 * Partitions of `events`, one a UTC day, made outside flushes and ahead of need.
 *
 * Three things make this delicate. A day attached while a COPY is open makes that COPY fail (23514: it still routes the
 * day to the default partition), so the parent is locked against writers, which also waits for the open ones. ATTACH
 * locks the default partition even against readers and reads all of it, so it must be small and nobody may be waited
 * for. And a day that has rows in the default partition can no longer get a partition, so it is left alone.
 *
 * Nothing is lost when a day gets no partition: the default one takes its rows.
 */
import type pg from "pg";
import { errorCode, isConnectionLost } from "./errors.ts";
import { DAYS_LOCK } from "./locks.ts";

/** Longest wait for a lock: behind our waiting request, every flush waits too. */
const LOCK_TIMEOUT_MS = 200;
/** Longest reading of the default partition: for so long, no flush gets in. */
const STATEMENT_TIMEOUT_MS = 1_000;
/** More partitions than this make every query plan and every COPY slower; about three years of days. */
export const DAY_PARTITIONS_MAX = 1_100;
/** As for the partitions that were there before: schema/migrations/0008_events_vacuum.sql says why. */
const VACUUM_SETTINGS = "autovacuum_vacuum_insert_threshold = 10000000";
const HOURS_PER_DAY = 24;
const DAY = /^\d{4,5}-\d\d-\d\d$/;

export interface EnsureDaysOptions {
	/** UTC dates, `YYYY-MM-DD`, in any order. */
	readonly days: readonly string[];
	/** No day is made when there are this many already. */
	readonly partitionsMax: number;
	/** Longest reading of the default partition; default `STATEMENT_TIMEOUT_MS`. */
	readonly statementTimeoutMs?: number;
}

export interface SkippedDay {
	readonly day: string;
	/** For people. */
	readonly why: string;
	/** Another try, a little later, may succeed. */
	readonly retry: boolean;
}

export interface EnsureDaysResult {
	/** Days that have got a partition now; those that had one before are in neither list. */
	readonly created: string[];
	readonly skipped: SkippedDay[];
}

/** The UTC day of an hour, as `YYYY-MM-DD`. `hour`: whole hours since 1970 UTC, negative before. */
export function utcDay(hour: number): string {
	const iso = new Date(Math.floor(hour / HOURS_PER_DAY) * 86_400_000).toISOString();
	return iso.slice(0, iso.indexOf("T")).replace(/^\+0?/, "");
}

/**
 * Makes the missing partitions of `days`. The client must not be in a transaction; no flush may use it meanwhile.
 *
 * What cannot be done now is reported as skipped. Throws `RangeError` for what is no date, and the driver's error when
 * the connection is lost: the client must be thrown away then.
 */
export async function ensureDays(client: pg.Client, options: EnsureDaysOptions): Promise<EnsureDaysResult> {
	const result: EnsureDaysResult = { created: [], skipped: [] };
	for (const day of options.days) assertDate(day);
	// By length first: the year 10000 comes last.
	const days = [...new Set(options.days)].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
	if (days.length === 0) return result;

	const names = await partitionNames(client);
	const missing = days.filter((day) => !names.has(partitionName(day)));
	if (missing.length === 0) return result;

	const skipAll = (why: Refusal) => {
		for (const day of missing) result.skipped.push({ day, ...why });
		return result;
	};
	// The same reading as ATTACH will do, and under the same limit, but without keeping anybody out.
	const occupied = await attempt(client, options, () => daysInDefault(client, missing));
	if ("why" in occupied) return skipAll(occupied);

	for (const day of missing) {
		if (occupied.value.has(day)) {
			result.skipped.push({ day, ...HAS_ROWS });
			continue;
		}
		const made = await attempt(client, options, () => makeDay(client, day, options.partitionsMax));
		if ("why" in made) result.skipped.push({ day, ...made });
		else if (made.value === "full") result.skipped.push({ day, ...full(options.partitionsMax) });
		else if (made.value === "made") result.created.push(day);
	}
	return result;
}

function assertDate(day: string): void {
	const [year, month, date] = day.split("-").map(Number);
	const hour = Date.UTC(year ?? 0, (month ?? 0) - 1, date) / 3_600_000;
	if (!DAY.test(day) || utcDay(hour) !== day) throw new RangeError(`not a date like 2025-06-01: ${day}`);
}

type Refusal = Omit<SkippedDay, "day">;

const HAS_ROWS: Refusal = { why: "the default partition holds rows of this day", retry: false };

function full(partitionsMax: number): Refusal {
	return { why: `there are ${partitionsMax} day partitions, the most that are made`, retry: false };
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
	"55P03": { why: "somebody is reading or writing events right now", retry: true },
	"57014": { why: "the default partition is too large to be read while flushes wait", retry: false },
	"40P01": { why: "it was in a deadlock with somebody else", retry: true },
	"23514": HAS_ROWS,
	"42P17": { why: "another partition covers a part of this day", retry: false },
	"42P07": { why: "there is a table of its name that is not a partition", retry: false },
};

/** Runs `work` in a transaction of its own under our limits. Throws only when the connection is lost. */
async function attempt<T>(
	client: pg.Client,
	{ statementTimeoutMs = STATEMENT_TIMEOUT_MS }: EnsureDaysOptions,
	work: () => Promise<T>,
): Promise<{ readonly value: T } | Refusal> {
	try {
		await client.query(
			`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = ${statementTimeoutMs}`,
		);
		const value = await work();
		await client.query("COMMIT");
		return { value };
	} catch (error) {
		if (isConnectionLost(error)) throw error;
		await client.query("ROLLBACK");
		return REFUSALS[errorCode(error)] ?? { why: (error as Error).message, retry: false };
	}
}

async function makeDay(
	client: pg.Client,
	day: string,
	partitionsMax: number,
): Promise<"made" | "present" | "full"> {
	await client.query(`SELECT pg_advisory_xact_lock(${DAYS_LOCK})`);
	const names = await partitionNames(client);
	const name = partitionName(day);
	if (names.has(name)) return "present";
	if (names.size >= partitionsMax) return "full";
	// Readers go on; writers wait until we are done, and we for those that are under way.
	await client.query("LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE");
	const { rows } = await client.query<{ name: string; create: string; attach: string }>(
		`SELECT
			format('%I.%I', nspname, $1::text) AS name,
			format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE) WITH (${VACUUM_SETTINGS})',
				nspname, $1::text, c.oid::regclass) AS create,
			format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', c.oid::regclass, nspname, $1::text,
				$2::date::timestamp AT TIME ZONE 'UTC', ($2::date + 1)::timestamp AT TIME ZONE 'UTC') AS attach
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
		WHERE c.oid = 'events'::regclass`,
		[name, day],
	);
	const statements = rows[0]!;
	await client.query(statements.create);
	for (const statement of await summariesOff(client, statements.name)) await client.query(statement);
	await client.query(statements.attach);
	return "made";
}

/** Its index is a copy of that of `events`, whose autosummarize nobody can change; all else that was chosen there stays. */
async function summariesOff(client: pg.Client, table: string): Promise<string[]> {
	const { rows } = await client.query<{ statement: string }>(
		`SELECT format('ALTER INDEX %s SET (autosummarize = off)', c.oid::regclass) AS statement
		FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
		WHERE i.indrelid = $1::regclass AND 'autosummarize=on' = ANY (c.reloptions)`,
		[table],
	);
	return rows.map(({ statement }) => statement);
}

function partitionName(day: string): string {
	return `events_${day.replaceAll("-", "_")}`;
}

/** Names of all partitions of `events` but the default one. */
async function partitionNames(client: pg.Client): Promise<Set<string>> {
	const { rows } = await client.query<{ name: string }>(
		`SELECT c.relname AS name
		FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_partitioned_table AS p ON p.partrelid = i.inhparent
		WHERE i.inhparent = 'events'::regclass AND i.inhrelid <> p.partdefid`,
	);
	return new Set(rows.map((row) => row.name));
}

/** Which of these days have rows in the default partition. */
async function daysInDefault(client: pg.Client, days: readonly string[]): Promise<Set<string>> {
	const { rows: found } = await client.query<{ name: string | null }>(
		`SELECT nullif(partdefid, 0)::regclass::text AS name FROM pg_partitioned_table WHERE partrelid = 'events'::regclass`,
	);
	const defaultPartition = found[0]?.name;
	if (!defaultPartition) return new Set();
	await client.query("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = off");
	const { rows } = await client.query<{ day: string }>(
		`SELECT DISTINCT (event_time AT TIME ZONE 'UTC')::date::text AS day FROM ${defaultPartition}
		WHERE event_time >= $1::date::timestamp AT TIME ZONE 'UTC'
			AND event_time < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'`,
		[days[0], days.at(-1)],
	);
	return new Set(rows.map((row) => row.day));
}
