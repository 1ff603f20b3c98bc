/** The three questions of the live page, each answered from an index, whatever the size of the tables. */
import type pg from "pg";
import type { DeadLetterSample, HourMetrics, LedgerCounts } from "../../monitoring/live.ts";

const HOURS = 24;
/** Of each partition; the newest of each reason among them are shown. */
const DEAD_LETTERS_PER_PARTITION = 50;
/** Enough to recognise a message by; a value may be a megabyte. */
const KEY_BYTES = 60;
const VALUE_BYTES = 400;

/**
 * The 24 hours up to the newest that has begun. An event from the future would else push the present out; where there is
 * nothing but the future, it is shown.
 */
const READ_HOURS = `
	WITH newest AS (
		SELECT coalesce(
			(SELECT hour FROM hourly_business_metrics WHERE hour <= now() ORDER BY hour DESC LIMIT 1),
			(SELECT hour FROM hourly_business_metrics ORDER BY hour DESC LIMIT 1)
		) AS hour
	)
	SELECT extract(epoch FROM m.hour)::float8 * 1000 AS "hourMs", m.total_revenue::text AS revenue,
		m.ticket_count::float8 AS tickets, m.total_payouts::text AS payouts, m.payout_events::float8 AS "payoutEvents",
		m.active_users::float8 AS "activeUsers", m.new_sessions::float8 AS "newSessions", m.total_logins::float8 AS logins,
		round(extract(epoch FROM m.updated_at) * 1000)::float8 AS "updatedAtMs"
	FROM hourly_business_metrics AS m, newest
	WHERE m.hour > newest.hour - ${HOURS} * interval '1 hour' AND m.hour <= newest.hour
	ORDER BY m.hour DESC`;

const READ_COUNTS = `
	SELECT coalesce(sum(stored_count), 0)::float8 AS stored, coalesce(sum(dead_letter_count), 0)::float8 AS "deadLetters"
	FROM source_offsets`;

/** The newest by offset in each partition, from the end of the primary key: there is no index by time that sorts. */
const READ_DEAD_LETTERS = `
	SELECT DISTINCT ON (d.stage, d.reason)
		d.topic, d.kafka_partition AS partition, d.kafka_offset::float8 AS "offset", d.stage, d.reason, d.pointer,
		left(d.detail, ${VALUE_BYTES}) AS detail,
		round(extract(epoch FROM d.created_at) * 1000)::float8 AS "createdAtMs", octet_length(d.value) AS bytes,
		substring(d.key FROM 1 FOR ${KEY_BYTES}) AS key, substring(d.value FROM 1 FOR ${VALUE_BYTES}) AS value
	FROM source_offsets AS s, LATERAL (
		SELECT * FROM dead_letters AS d
		WHERE d.topic = s.topic AND d.kafka_partition = s.kafka_partition
		ORDER BY d.kafka_offset DESC
		LIMIT ${DEAD_LETTERS_PER_PARTITION}
	) AS d
	WHERE s.dead_letter_count > 0
	ORDER BY d.stage, d.reason, d.created_at DESC, d.kafka_partition, d.kafka_offset DESC`;

/** Newest first. Throws what the driver throws, as the others do. */
export async function readHours(client: pg.Client): Promise<Omit<HourMetrics, "correction">[]> {
	const { rows } = await client.query<Omit<HourMetrics, "correction">>(READ_HOURS);
	return rows;
}

export async function readCounts(client: pg.Client): Promise<LedgerCounts> {
	const { rows } = await client.query<LedgerCounts>(READ_COUNTS);
	return rows[0]!;
}

/** One of each reason. */
export async function readDeadLetters(client: pg.Client): Promise<DeadLetterSample[]> {
	type Row = Omit<DeadLetterSample, "key" | "value"> & { key: Buffer | null; value: Buffer | null };
	const { rows } = await client.query<Row>(READ_DEAD_LETTERS);
	return rows.map((row) => ({
		...row,
		// A character cut in two, or bytes that never were UTF-8, show as the replacement character.
		key: row.key?.toString("utf8") ?? null,
		value: row.value?.toString("utf8") ?? null,
	}));
}
