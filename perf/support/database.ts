/** The database of a run, and the proof that what it holds is what was sent. */
import pg from "pg";

/** What must be stored. */
export interface CheckExpectation {
	/** Records sent: each is one event or one dead letter. */
	readonly sent: number;
	/** Exactly so many of them are bad; without it any number is right. */
	readonly deadLetters?: number;
}

export interface RunDatabase {
	readonly name: string;
	readonly url: string;
	/** Every difference between what was sent and what is stored, as sentences; empty when all is right. */
	check(expectation: number | CheckExpectation): Promise<string[]>;
	/** Drops it. */
	remove(): Promise<void>;
}

/** Reads the whole of `events` again: the answer does not come from what the engine counted. */
const COUNTS = `
SELECT (SELECT count(*) FROM events) AS events,
	(SELECT count(*) FROM dead_letters) AS dead_letters,
	(SELECT coalesce(sum(stored_count), 0) FROM source_offsets) AS stored,
	(SELECT coalesce(sum(dead_letter_count), 0) FROM source_offsets) AS refused,
	(SELECT coalesce(sum(next_offset - start_offset - gap_count), 0) FROM source_offsets) AS counted,
	(SELECT count(*) FROM (SELECT FROM events GROUP BY kafka_partition, kafka_offset HAVING count(*) > 1) d) AS doubled`;

const WRONG_HOURS = `
WITH recomputed AS (
	SELECT date_trunc('hour', event_time, 'UTC') AS hour,
		coalesce(sum(amount) FILTER (WHERE event_type = 'ticket_purchased'), 0) AS total_revenue,
		count(*) FILTER (WHERE event_type = 'ticket_purchased') AS ticket_count,
		coalesce(sum(amount) FILTER (WHERE event_type = 'claim_reward'), 0) AS total_payouts,
		count(*) FILTER (WHERE event_type = 'claim_reward') AS payout_events,
		count(DISTINCT user_id) AS active_users,
		count(DISTINCT session_id) FILTER (WHERE event_type = 'login') AS new_sessions,
		count(*) FILTER (WHERE event_type = 'login') AS total_logins
	FROM events GROUP BY 1
)
SELECT hour FROM recomputed r FULL JOIN hourly_business_metrics m USING (hour)
WHERE (r.total_revenue, r.ticket_count, r.total_payouts, r.payout_events, r.active_users, r.new_sessions, r.total_logins)
	IS DISTINCT FROM
	(m.total_revenue, m.ticket_count, m.total_payouts, m.payout_events, m.active_users, m.new_sessions, m.total_logins)`;

/** Makes an empty database on the server of `serverUrl`. */
export async function createRunDatabase(serverUrl: string, name: string): Promise<RunDatabase> {
	await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`));
	const url = new URL(serverUrl);
	url.pathname = `/${name}`;
	return {
		name,
		url: url.href,
		check: (expectation) =>
			withClient(url.href, (client) =>
				differences(client, typeof expectation === "number" ? { sent: expectation } : expectation),
			),
		async remove() {
			await withClient(serverUrl, (client) =>
				client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`),
			);
		},
	};
}

async function differences(client: pg.Client, { sent, deadLetters }: CheckExpectation): Promise<string[]> {
	const [row] = (await client.query<Record<string, string>>(COUNTS)).rows;
	const count = (name: string) => Number(row?.[name]);
	const wrong: string[] = [];
	const same = (what: string, is: number, wanted: number) => {
		if (is !== wanted) wrong.push(`${what}: ${is}, but should be ${wanted}`);
	};
	same("events and dead letters together", count("events") + count("dead_letters"), sent);
	if (deadLetters !== undefined) same("dead letters", count("dead_letters"), deadLetters);
	same("events the offset rows count", count("stored"), count("events"));
	same("dead letters the offset rows count", count("refused"), count("dead_letters"));
	same("offsets the offset rows count", count("counted"), sent);
	same("records stored more than once", count("doubled"), 0);
	same("hours that differ from a recomputation", (await client.query(WRONG_HOURS)).rows.length, 0);
	return wrong;
}

/** A short connection; ends whatever happens. */
export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
	const client = new pg.Client({ connectionString: url, application_name: "lottery-perf" });
	await client.connect();
	try {
		return await use(client);
	} finally {
		await client.end();
	}
}
