/**
 * What must be true in every snapshot of the tables, whatever the engines are doing: the invariants I2 and I3 as SQL
 * over one REPEATABLE READ transaction. Written from the definitions of the public columns, not from the engine's code.
 */
import type pg from "pg";

/** A relation that should have been empty, and its first rows. */
export interface Violation {
	readonly promise: string;
	readonly rows: readonly Record<string, unknown>[];
}

const PROMISES: Readonly<Record<string, string>> = {
	"I2: next - start - gaps = stored + dead letters, and both are count(*)": `
		SELECT o.*, e.events, d.dead
		FROM (SELECT kafka_partition, start_offset, next_offset, gap_count, stored_count, dead_letter_count FROM source_offsets) AS o
		FULL JOIN (SELECT kafka_partition, count(*) AS events FROM events GROUP BY 1) AS e USING (kafka_partition)
		FULL JOIN (SELECT kafka_partition, count(*) AS dead FROM dead_letters GROUP BY 1) AS d USING (kafka_partition)
		WHERE o.next_offset IS NULL
			OR o.next_offset - o.start_offset - o.gap_count <> o.stored_count + o.dead_letter_count
			OR o.stored_count <> coalesce(e.events, 0)
			OR o.dead_letter_count <> coalesce(d.dead, 0)`,
	"I2: no offset is stored or dead-lettered twice, or beyond what is counted": `
		SELECT kafka_partition, kafka_offset, count(*) AS times
		FROM (SELECT kafka_partition, kafka_offset FROM events UNION ALL SELECT kafka_partition, kafka_offset FROM dead_letters) AS r
		LEFT JOIN source_offsets AS o USING (kafka_partition)
		GROUP BY kafka_partition, kafka_offset
		HAVING count(*) <> 1 OR min(o.next_offset) IS NULL
			OR kafka_offset < min(o.start_offset) OR kafka_offset >= min(o.next_offset)`,
	"I3: hourly metrics are what the events say": `
		WITH expected AS (
			SELECT date_trunc('hour', event_time, 'UTC') AS hour,
				coalesce(sum(amount) FILTER (WHERE event_type = 'ticket_purchased'), 0) AS total_revenue,
				count(*) FILTER (WHERE event_type = 'ticket_purchased') AS ticket_count,
				coalesce(sum(amount) FILTER (WHERE event_type = 'claim_reward'), 0) AS total_payouts,
				count(*) FILTER (WHERE event_type = 'claim_reward') AS payout_events,
				count(DISTINCT user_id) AS active_users,
				count(DISTINCT session_id) FILTER (WHERE event_type = 'login') AS new_sessions,
				count(*) FILTER (WHERE event_type = 'login') AS total_logins
			FROM events GROUP BY 1
		), actual AS (
			SELECT hour, total_revenue, ticket_count, total_payouts, payout_events, active_users, new_sessions, total_logins
			FROM hourly_business_metrics
		)
		(SELECT 'expected' AS side, * FROM expected EXCEPT ALL SELECT 'expected', * FROM actual)
		UNION ALL
		(SELECT 'stored', * FROM actual EXCEPT ALL SELECT 'stored', * FROM expected)
		ORDER BY hour, side`,
	"I3: averages and ratios follow from the sums": `
		SELECT * FROM hourly_business_metrics
		WHERE avg_ticket_value IS DISTINCT FROM round(total_revenue / greatest(ticket_count, 1), 2)
			OR payout_to_revenue_ratio IS DISTINCT FROM CASE WHEN total_revenue > 0 THEN round(total_payouts / total_revenue, 4) END`,
};

/** Rows of a violation that are kept, for people. */
const ROWS_SHOWN = 5;

export interface Snapshot {
	readonly violations: readonly Violation[];
	/** Records counted at this moment, for a test that wants to see them grow. */
	readonly counted: number;
}

/** Looks once. Readers never wait for the engine, nor it for them. */
export async function lookAtSnapshot(client: pg.Client): Promise<Snapshot> {
	await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	try {
		const violations: Violation[] = [];
		for (const [promise, sql] of Object.entries(PROMISES)) {
			const { rows } = await client.query(sql);
			if (rows.length > 0) violations.push({ promise, rows: rows.slice(0, ROWS_SHOWN) });
		}
		return { violations, counted: await countedIn(client) };
	} finally {
		await client.query("COMMIT");
	}
}

/** Records counted so far: stored or dead letters. */
export async function countedIn(client: pg.Client): Promise<number> {
	const { rows } = await client.query<{ counted: string }>(
		"SELECT coalesce(sum(stored_count + dead_letter_count), 0) AS counted FROM source_offsets",
	);
	return Number(rows[0]!.counted);
}
