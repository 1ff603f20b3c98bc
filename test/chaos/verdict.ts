/** The end of a chapter: everything healed, and every table as the oracle and a calm run of the same topic have it. */
import type pg from "pg";
import { spawnEngine } from "../support/engine-process.ts";
import { tableDifferences, untilCounted } from "../support/expect-tables.ts";
import { readOffsetHistory } from "../support/offset-history.ts";
import { oracle } from "../support/oracle.ts";
import { readTopic } from "../support/read-topic.ts";
import type { SentMessage } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";
import { type DatabaseSettings, withClient } from "./database-client.ts";
import { condemnedIn, mortalEnvironment } from "./deadly-messages.ts";
import type { Fleet } from "./fleet.ts";
import type { Scope } from "./scope.ts";
import { missingIn, type Traffic } from "./traffic.ts";

export interface Verdict {
	/** Records in the topic. */
	readonly messages: number;
	/** Sends whose fate the producer does not know. */
	readonly doubtful: number;
	/** Offsets of the topic that are counted, but neither stored nor a dead letter. */
	readonly lost: number;
	/** Offsets of the topic that are not counted yet: none, once all is healed. */
	readonly behind: number;
	/** Rows beyond one for an offset, or for no offset of the topic. */
	readonly repeated: number;
	readonly wrongHours: number;
	/** Everything that is not as it should be, for people. */
	readonly problems: readonly string[];
}

const PROBLEMS_SHOWN = 5;
const CALM_WITHIN_MS = 300_000;

/** Waits until nothing is behind, paused or halted, and every partition has one owner. Throws after the deadline. */
export async function healed(fleet: Fleet, partitions: number, deadlineMs: number): Promise<void> {
	await waitUntil(
		async () => {
			const seats = fleet.running;
			const looks = await Promise.all(
				seats.map(async ({ name, engine }) => {
					const { state, partitions: own } = await engine!.status();
					const { status, body } = await engine!.get("/readyz");
					return { name, state, own, ready: status === 200, body };
				}),
			);
			const owned = looks.flatMap(({ own }) => own.map(({ partition }) => partition));
			const isWhole = owned.length === partitions && new Set(owned).size === partitions;
			const isWell = looks.every(
				({ state, own, ready }) =>
					state === "running" &&
					ready &&
					own.every(({ lag, pausedReasons }) => lag === 0 && pausedReasons.length === 0),
			);
			if (isWhole && isWell) return true;
			// Thrown, so that the message of the deadline tells what was wrong at last.
			throw new Error(JSON.stringify(looks).slice(0, 2_000));
		},
		{ deadlineMs, everyMs: 100, what: `all ${partitions} partitions flowing without lag, and readiness` },
	);
}

/** Holds the database against the topic. Nothing is sent any more, and the engines stand still. */
export async function judge(
	topic: { readonly name: string; readonly brokers: readonly string[] },
	database: DatabaseSettings,
	traffic: Traffic,
): Promise<Verdict> {
	const inTopic = await readTopic(topic);
	const problems = missingIn(inTopic, traffic).slice(0, PROBLEMS_SHOWN);
	return await withClient(database, async (client) => {
		const next = await nextOffsets(client);
		const counted = inTopic.filter(({ partition, offset }) => offset < (next.get(partition) ?? 0));
		const behind = inTopic.length - counted.length;
		if (behind > 0) problems.push(`${behind} messages are not counted yet; what is counted is judged alone`);
		const { lost, repeated } = await countOffsets(client, counted);
		if (lost > 0 || repeated > 0) problems.push(`${lost} offsets are lost, ${repeated} rows are repeated`);
		const expected = oracle(counted, { condemned: condemnedIn(counted) });
		const differences = await tableDifferences(client, expected);
		for (const [table, lines] of differences)
			for (const line of lines.slice(0, PROBLEMS_SHOWN)) problems.push(`${table}: ${line}`);
		const history = await readOffsetHistory(client);
		for (const problem of history.problems.slice(0, PROBLEMS_SHOWN)) problems.push(`I1: ${problem}`);
		const hours = differences.get("hourly_business_metrics") ?? [];
		const wrongHours = new Set(hours.map((line) => line.split(":")[0])).size;
		const { doubtful } = traffic;
		const messages = inTopic.length;
		return { messages, doubtful: doubtful.length, lost, behind, repeated, wrongHours, problems };
	});
}

async function nextOffsets(client: pg.Client): Promise<ReadonlyMap<number, number>> {
	const { rows } = await client.query<{ partition: number; next: number }>(
		"SELECT kafka_partition AS partition, next_offset::float8 AS next FROM source_offsets",
	);
	return new Map(rows.map(({ partition, next }) => [partition, next]));
}

async function countOffsets(
	client: pg.Client,
	inTopic: readonly SentMessage[],
): Promise<{ readonly lost: number; readonly repeated: number }> {
	const { rows } = await client.query<string[]>({
		text: `SELECT kafka_partition || '/' || kafka_offset FROM events
			UNION ALL SELECT kafka_partition || '/' || kafka_offset FROM dead_letters`,
		rowMode: "array",
	});
	const missing = new Set(inTopic.map(({ partition, offset }) => `${partition}/${offset}`));
	const lostBefore = missing.size;
	for (const [place] of rows) missing.delete(place!);
	return { lost: missing.size, repeated: rows.length - (lostBefore - missing.size) };
}

/** What a calm run must share with a stormy one. Columns that say when and by whom are left out. */
const SHARED: Readonly<Record<string, string>> = {
	events:
		"SELECT event_time, event_type, user_id, session_id, amount, kafka_partition, kafka_offset FROM events",
	dead_letters: `SELECT kafka_partition, kafka_offset, kafka_timestamp, key, value, headers, stage, reason, pointer
		FROM dead_letters`,
	hourly_business_metrics: `SELECT hour, total_revenue, ticket_count, avg_ticket_value, total_payouts, payout_events,
		payout_to_revenue_ratio, active_users, new_sessions, total_logins FROM hourly_business_metrics`,
	rolling_24h_metrics: "SELECT * FROM rolling_24h_metrics",
	daily_event_summary: "SELECT * FROM daily_event_summary",
	source_offsets: `SELECT kafka_partition, start_offset, next_offset, gap_count, stored_count, dead_letter_count
		FROM source_offsets`,
};

export interface CalmRun {
	readonly scope: Scope;
	readonly topic: { readonly name: string; readonly brokers: readonly string[] };
	/** The one the storm went over. */
	readonly stormy: DatabaseSettings;
	/** An empty one. */
	readonly calm: DatabaseSettings;
	readonly messages: number;
	readonly build: string | null;
}

/** Runs one engine over the same topic into a fresh database, without a fault. Returns the tables that differ. */
export async function compareWithCalmRun(run: CalmRun): Promise<string[]> {
	const { scope, topic, stormy, calm, messages, build } = run;
	const engine = spawnEngine(scope, {
		topic,
		database: { settings: calm },
		groupId: `${topic.name}-calm`,
		env: mortalEnvironment(build),
		label: "the calm engine",
		...(build === null ? {} : { build }),
	});
	await withClient(calm, (client) => untilCounted(client, messages, { deadlineMs: CALM_WITHIN_MS }));
	await engine.stop();
	const [before, after] = [await digests(stormy), await digests(calm)];
	return Object.keys(SHARED)
		.filter((table) => before.get(table) !== after.get(table))
		.map((table) => `${table} differs from a calm run of the same topic`);
}

async function digests(settings: DatabaseSettings): Promise<ReadonlyMap<string, string>> {
	return await withClient(settings, async (client) => {
		const found = new Map<string, string>();
		for (const [table, sql] of Object.entries(SHARED)) {
			const { rows } = await client.query<{ digest: string }>(
				`SELECT count(*) || ' ' || coalesce(md5(string_agg(row::text, E'\\n' ORDER BY row::text)), '') AS digest
				FROM (${sql}) AS row`,
			);
			found.set(table, rows[0]!.digest);
		}
		return found;
	});
}
