/** Compares every public relation with what the oracle says. */
import { createHash } from "node:crypto";
import type pg from "pg";
import type { Test } from "tap";
import { type Expected, type ExpectedDeadLetter, floorDivide, groupBy, type Totals } from "./oracle.ts";
import { type WaitOptions, waitUntil } from "./wait-until.ts";

/** Differences shown; the first tell the story. */
const SHOWN_MAX = 10;

/** Rows as text, each under its key. */
type Rows = readonly (readonly [key: string, text: string])[];

/** Waits until so many messages are counted in Postgres, as stored or as dead letters. */
export async function untilCounted(
	client: pg.Client,
	messages: number,
	options: WaitOptions = {},
): Promise<void> {
	let counted = 0;
	const isDone = async () => {
		const { rows } = await client.query<{ counted: string }>(
			"SELECT coalesce(sum(stored_count + dead_letter_count), 0) AS counted FROM source_offsets",
		);
		counted = Number(rows[0]!.counted);
		return counted >= messages;
	};
	await waitUntil(isDone, { what: `the count of ${messages} messages`, ...options }).catch((error) => {
		throw new Error(`${error.message}; counted: ${counted}`, { cause: error });
	});
}

/** Every field of every public relation, each (partition, offset) once, and the equation of `source_offsets`. */
export async function expectTables(t: Test, client: pg.Client, expected: Expected): Promise<void> {
	for (const [name, lines] of await tableDifferences(client, expected))
		t.same(fewOf(lines), [], `${name} is what the messages say`);
	const broken = await client.query(BROKEN_OFFSETS);
	t.same(broken.rows, [], "source_offsets holds together with the tables");
}

/** By public relation, all lines in which it is not what the oracle says; empty when all is well. */
export async function tableDifferences(
	client: pg.Client,
	expected: Expected,
): Promise<ReadonlyMap<string, readonly string[]>> {
	const relations: readonly (readonly [name: string, sql: string, rows: Rows])[] = [
		["events", EVENTS, eventRows(expected)],
		["hourly_business_metrics", HOURS, hourRows(expected)],
		["rolling_24h_metrics", ROLLING, rollingRows(expected)],
		["daily_event_summary", DAYS, dayRows(expected)],
		["source_offsets", OFFSETS, offsetRows(expected)],
	];
	const found = new Map<string, readonly string[]>();
	for (const [name, sql, rows] of relations) {
		const { rows: stored } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
		const storedRows = stored.map(([key, ...rest]) => [String(key), rest.join(" ")] as const);
		found.set(name, differences(rows, storedRows));
	}
	const wanted = expected.deadLetters.map(deadLetterRow);
	found.set("dead_letters", differences(wanted, await storedDeadLetters(client)));
	return found;
}

/** Empty when both are the same set of rows; a key that stands twice is a difference. */
function differences(expected: Rows, found: Rows): readonly string[] {
	const lines: string[] = [];
	const wanted = new Map(expected);
	if (wanted.size !== expected.length) throw new Error("the oracle was given a message twice");
	const seen = new Set<string>();
	for (const [key, text] of found) {
		const should = wanted.get(key);
		if (seen.has(key)) lines.push(`${key}: a second row: ${text}`);
		else if (should === undefined) lines.push(`${key}: should not be there: ${text}`);
		else if (should !== text) lines.push(`${key}: should be: ${should}`, `${key}: but is:    ${text}`);
		seen.add(key);
	}
	for (const [key, text] of expected) if (!seen.has(key)) lines.push(`${key}: is missing: ${text}`);
	return lines;
}

function fewOf(lines: readonly string[]): readonly string[] {
	return lines.length <= SHOWN_MAX
		? lines
		: [...lines.slice(0, SHOWN_MAX), `and ${lines.length - SHOWN_MAX} more lines`];
}

const EVENTS = `SELECT kafka_partition || '/' || kafka_offset, (extract(epoch FROM event_time) * 1000000)::bigint,
	event_type, user_id, session_id, coalesce(amount::text, 'no amount') FROM events`;

function eventRows({ events }: Expected): Rows {
	return events.map(({ partition, offset, micros, type, user, session, cents }) => [
		`${partition}/${offset}`,
		`${micros} ${type} ${user} ${session} ${cents === null ? "no amount" : money(cents)}`,
	]);
}

const HOURS = `SELECT extract(epoch FROM hour)::bigint / 3600, total_revenue, ticket_count, avg_ticket_value, total_payouts,
	payout_events, coalesce(payout_to_revenue_ratio::text, 'none'), active_users, new_sessions, total_logins
	FROM hourly_business_metrics`;

function hourRows({ hours }: Expected): Rows {
	return [...hours].map(([hour, of]) => {
		const average = of.tickets === 0n ? 0n : rounded(of.revenueCents, of.tickets);
		const ratio = of.revenueCents === 0n ? null : rounded(of.payoutCents * 10_000n, of.revenueCents);
		const fields = [
			money(of.revenueCents),
			of.tickets,
			money(average),
			money(of.payoutCents),
			of.payouts,
			ratio === null ? "none" : decimal(ratio, 4),
			of.users.size,
			of.sessions.size,
			of.logins,
		];
		return [String(hour), fields.join(" ")];
	});
}

const ROLLING = `SELECT extract(epoch FROM hour)::bigint / 3600, total_revenue, avg_24h_revenue, avg_24h_users, revenue_24h,
	payouts_24h, tickets_24h, active_users_24h FROM rolling_24h_metrics`;

function rollingRows({ hours }: Expected): Rows {
	return [...hours].map(([hour, own]) => {
		const window = [...hours].filter(([other]) => other <= hour && other > hour - 24n).map(([, of]) => of);
		const day = sumOf(window);
		const fields = [
			money(own.revenueCents),
			money(rounded(day.revenueCents, BigInt(window.length))),
			money(rounded(day.hourlyUsers * 100n, BigInt(window.length))),
			money(day.revenueCents),
			money(day.payoutCents),
			day.tickets,
			day.users.size,
		];
		return [String(hour), fields.join(" ")];
	});
}

const DAYS = `SELECT extract(epoch FROM date)::bigint / 86400, total_revenue, total_payouts, ticket_count, payout_events,
	total_logins, active_users, avg_revenue, avg_users, sample_size FROM daily_event_summary`;

function dayRows({ hours }: Expected): Rows {
	return [...groupBy([...hours], ([hour]) => floorDivide(hour, 24n))].map(([date, own]) => {
		const day = sumOf(own.map(([, of]) => of));
		const fields = [
			money(day.revenueCents),
			money(day.payoutCents),
			day.tickets,
			day.payouts,
			day.logins,
			day.users.size,
			money(rounded(day.revenueCents, BigInt(own.length))),
			money(rounded(day.hourlyUsers * 100n, BigInt(own.length))),
			own.length,
		];
		return [String(date), fields.join(" ")];
	});
}

/** Sums over hours, and the users of all of them, each once. */
function sumOf(hours: readonly Totals[]) {
	const sum = (of: (hour: Totals) => bigint) => hours.reduce((total, hour) => total + of(hour), 0n);
	return {
		revenueCents: sum((hour) => hour.revenueCents),
		payoutCents: sum((hour) => hour.payoutCents),
		tickets: sum((hour) => hour.tickets),
		payouts: sum((hour) => hour.payouts),
		logins: sum((hour) => hour.logins),
		hourlyUsers: sum((hour) => BigInt(hour.users.size)),
		users: new Set(hours.flatMap((hour) => [...hour.users])),
	};
}

/** Partitions that hold no message may have a row or none. */
const OFFSETS = `SELECT kafka_partition, topic, stored_count, dead_letter_count FROM source_offsets
	WHERE stored_count + dead_letter_count > 0`;

function offsetRows({ topic, events, deadLetters }: Expected): Rows {
	const stored = groupBy(events, ({ partition }) => partition);
	const dead = groupBy(deadLetters, ({ message }) => message.partition);
	return [...new Set([...stored.keys(), ...dead.keys()])].map((partition) => {
		const count = (rows: ReadonlyMap<number, readonly unknown[]>) => rows.get(partition)?.length ?? 0;
		return [String(partition), `${topic} ${count(stored)} ${count(dead)}`];
	});
}

/** Invariant I2, and that no record lies beyond what is counted. */
const BROKEN_OFFSETS = `SELECT * FROM source_offsets s WHERE
	next_offset - start_offset - gap_count <> stored_count + dead_letter_count
	OR stored_count <> (SELECT count(*) FROM events e WHERE e.kafka_partition = s.kafka_partition)
	OR dead_letter_count <> (SELECT count(*) FROM dead_letters d
		WHERE d.topic = s.topic AND d.kafka_partition = s.kafka_partition)
	OR EXISTS (SELECT FROM events e WHERE e.kafka_partition = s.kafka_partition
		AND (e.kafka_offset >= s.next_offset OR e.kafka_offset < s.start_offset))`;

function deadLetterRow({ message, stage, reason, pointer }: ExpectedDeadLetter): readonly [string, string] {
	const { partition, offset, topic, timestampMs, key, value, headers } = message;
	return [
		`${partition}/${offset}`,
		deadLetterText(topic, shownMs(timestampMs), key, value, base64Headers(headers), stage, reason, pointer),
	];
}

/** -1 is Kafka's "none"; a time that people could neither read nor type is none either. */
function shownMs(timestampMs: number): number | null {
	const isShown = timestampMs >= Date.parse("0001-01-01") && timestampMs < Date.parse("+010000-01-01");
	return isShown && timestampMs !== -1 ? timestampMs : null;
}

interface StoredDeadLetter {
	readonly at: string;
	readonly topic: string;
	readonly ms: string | null;
	readonly key: Buffer | null;
	readonly value: Buffer | null;
	readonly headers: Readonly<Record<string, unknown>> | null;
	readonly stage: string;
	readonly reason: string;
	readonly pointer: string | null;
}

async function storedDeadLetters(client: pg.Client): Promise<Rows> {
	const { rows } = await client.query<StoredDeadLetter>(
		`SELECT kafka_partition || '/' || kafka_offset AS at, topic,
			(extract(epoch FROM kafka_timestamp) * 1000)::bigint::text AS ms,
			key, value, headers, stage, reason, pointer FROM dead_letters`,
	);
	return rows.map(({ at, topic, ms, key, value, headers, stage, reason, pointer }) => [
		at,
		deadLetterText(topic, ms, key, value, headers, stage, reason, pointer),
	]);
}

function deadLetterText(
	topic: string,
	timestampMs: number | string | null,
	key: Buffer | null,
	value: Buffer | null,
	headers: Readonly<Record<string, unknown>> | null,
	stage: string,
	reason: string,
	pointer: string | null,
): string {
	const sorted = headers === null ? null : Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
	const fields = { topic, timestampMs: String(timestampMs), key: digest(key), value: digest(value) };
	return JSON.stringify({ stage, reason, pointer, ...fields, headers: sorted });
}

/** Short bytes as they are, long ones by length and hash. */
function digest(bytes: Buffer | null): string | null {
	if (bytes === null) return null;
	if (bytes.length <= 100) return bytes.toString("latin1");
	return `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex")}`;
}

/** As `dead_letters.headers` is documented: base64, U+0000 of a name replaced, null without headers. */
function base64Headers(headers: ExpectedDeadLetter["message"]["headers"]): Record<string, unknown> | null {
	const encode = (value: Buffer | string) => Buffer.from(value as string).toString("base64");
	const pairs = Object.entries(headers).map(([name, value]) => [
		name.replaceAll("\u0000", "\ufffd"),
		Array.isArray(value) ? value.map(encode) : encode(value as Buffer | string),
	]);
	return pairs.length === 0 ? null : Object.fromEntries(pairs);
}

/** Rounded as Postgres rounds a numeric: halves away from zero. Neither is negative. */
function rounded(dividend: bigint, divisor: bigint): bigint {
	return (2n * dividend + divisor) / (2n * divisor);
}

function money(cents: bigint): string {
	return decimal(cents, 2);
}

function decimal(units: bigint, places: number): string {
	const digits = units.toString().padStart(places + 1, "0");
	return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
