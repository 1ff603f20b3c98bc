/** Compares every public relation with what the oracle says. */
import { createHash } from "node:crypto";
import type pg from "pg";
import type { Test } from "tap";
import { type Expected, floorDivide, groupBy, type Totals, totalsOf } from "./oracle.ts";
import type { SentMessage } from "./topic.ts";
import { type WaitOptions, waitUntil } from "./wait-until.ts";

/** Differences shown; the first tell the story. */
const SHOWN_MAX = 10;
const MICROS_PER_HOUR = 3_600_000_000n;
const HOURS_PER_DAY = 24n;

/** A relation as text: by key what the row must say. */
type Rows = ReadonlyMap<string, string>;

/** Waits until so many messages are counted in Postgres: stored or dead letters. */
export async function untilCounted(client: pg.Client, messages: number, options: WaitOptions = {}): Promise<void> {
	const count = async () => {
		const { rows } = await client.query<{ counted: string }>(
			"SELECT coalesce(sum(stored_count + dead_letter_count), 0) AS counted FROM source_offsets",
		);
		return Number(rows[0]!.counted);
	};
	let counted = 0;
	await waitUntil(async () => {
		counted = await count();
		return counted >= messages;
	}, { what: `the count of ${messages} messages`, ...options }).catch((error) => {
		throw new Error(`${error.message} (counted: ${counted})`, { cause: error });
	});
}

/** Every field of every public relation, each (partition, offset) once, and the equation of `source_offsets`. */
export async function expectTables(t: Test, client: pg.Client, expected: Expected): Promise<void> {
	await client.query("SET TimeZone = 'UTC'");
	for (const [name, rows, query] of [
		["events", expectedEvents(expected), EVENTS],
		["dead_letters", expectedDeadLetters(expected), DEAD_LETTERS],
		["hourly_business_metrics", expectedHours(expected), HOURS],
		["rolling_24h_metrics", expectedRolling(expected), ROLLING],
		["daily_event_summary", expectedDays(expected), DAYS],
	] as const) {
		t.same(differences(rows, await read(client, query)), [], `${name} holds what was sent, each once`);
	}
	t.same(await brokenOffsets(client, expected), [], "source_offsets counts every message once");
}

interface Query {
	readonly sql: string;
	/** The key and the text of a row. */
	readonly textOf: (row: Readonly<Record<string, unknown>>) => readonly [string, string];
}

const joined = (row: Readonly<Record<string, unknown>>): readonly [string, string] => {
	const [key, ...rest] = Object.values(row);
	return [String(key), rest.map(String).join(" ")];
};

const EVENTS: Query = {
	sql: `SELECT kafka_partition || '/' || kafka_offset AS k, (extract(epoch FROM event_time) * 1000000)::bigint::text,
			event_type, to_json(user_id)::text AS u, session_id::text AS s, (amount * 100)::bigint::text AS a
		FROM events`,
	textOf: joined,
};

function expectedEvents({ events }: Expected): Rows {
	return new Map(
		events.map((event) => [
			`${event.partition}/${event.offset}`,
			`${event.micros} ${event.type} ${event.user} ${event.session} ${event.cents}`,
		]),
	);
}
