/** The SQL of the runbooks, on the real schema with data in it; and the one statement of theirs that writes, for real. */
import pg from "pg";
import t, { type Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { runbookPages } from "../monitoring/prometheus/runbook-pages.ts";
import { storeBusiness } from "../support/business.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent } from "../support/lottery-event.ts";
import { createTopic, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const PAGES = runbookPages();

/** What only shows somebody else's trouble, and has no rows on a server that is well. */
const MAY_BE_EMPTY = /pg_blocking_pids|pg_replication_slots|pg_stat_activity AS a\b/;

/** One row for every page to find, all of this hour. */
async function withTrouble(test: Test) {
	const { settings, client } = await createDatabase(test);
	await migrate(settings);
	const hour = Math.floor(Date.now() / 3_600_000);
	await storeBusiness(client, [
		{ hour, type: "ticket_purchased", user: "a", session: 1, cents: 100n },
		{ hour, type: "claim_reward", user: "b", session: 2, cents: 900n },
		{ hour: hour - 5, type: "login", user: "c", session: 3, cents: null },
	]);
	await client.query(`
		INSERT INTO ledger (cluster_id, topic) VALUES ('c', 'user_events');
		INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset, stored_count, dead_letter_count)
		VALUES ('user_events', 0, 0, 4, 3, 1);
		INSERT INTO dead_letters (topic, kafka_partition, kafka_offset, stage, reason, value)
		VALUES ('user_events', 0, 3, 'actor', 'actor_crash', '{"event_type":"ticket_purchased"'::bytea)`);
	return { settings, client };
}

t.test("every SQL block of every page runs, and finds what it is for", async (t) => {
	const { settings, client } = await withTrouble(t);
	// Somebody else with an open snapshot, for the pages that look for one.
	const other = new pg.Client(settings);
	await other.connect();
	t.teardown(() => other.end());
	await other.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM events");
	for (const { name, blocks } of PAGES) {
		for (const sql of blocks("sql")) {
			await client.query("BEGIN");
			const { rowCount } = await client.query(sql);
			await client.query("ROLLBACK");
			const title = `${name}: ${sql.slice(0, 60).replaceAll("\n", " ")}`;
			if (MAY_BE_EMPTY.test(sql)) t.pass(`${title} runs`);
			else t.ok(rowCount! > 0, `${title} has rows`);
		}
	}
});

/** What the page says to run, for this topic and the start of its log. */
function moveOn(topic: TestTopic, low: number): string {
	const page = PAGES.find(({ name }) => name === "engine-partition-halted");
	const update = page?.blocks("sql").find((sql) => sql.startsWith("UPDATE"));
	if (update === undefined) throw new Error("the page has no UPDATE");
	return update.replaceAll("'user_events'", `'${topic.name}'`).replaceAll("15", String(low));
}

t.test("a partition whose records were deleted goes on where the page's statement puts it", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	const first = await startEngine(t, { topic, database, label: "first" });
	const event = (i: number) => ({ value: lotteryEvent({ user: `u${i}`, session: i }) });
	await send(
		topic,
		Array.from({ length: 10 }, (_, i) => event(i)),
	);
	await untilCounted(database.client, 10);
	await first.stop();
	await send(
		topic,
		Array.from({ length: 10 }, (_, i) => event(i)),
	);
	await topic.deleteRecordsBefore(new Map([[0, 17]]));

	const second = await startEngine(t, { topic, database, label: "second" });
	let seen: unknown = null;
	await waitUntil(
		async () => {
			const { partitions } = await second.status();
			seen = partitions;
			return partitions[0]?.state === "halted";
		},
		{ what: "the halt" },
	).catch((error) => {
		throw new Error(`${error.message}; the partitions: ${JSON.stringify(seen)}`);
	});
	await second.stop();
	const { rows } = await database.client.query(moveOn(topic, 17));
	t.same(rows, [{ kafka_partition: 0, next_offset: "17", gap_count: "7" }]);
	t.match(await database.client.query(moveOn(topic, 17)), { rowCount: 0 }, "a second time does nothing");

	const third = await startEngine(t, { topic, database, label: "third" });
	await untilCounted(database.client, 13);
	const { rows: counts } = await database.client.query(
		"SELECT start_offset, next_offset, gap_count, stored_count, (SELECT count(*) FROM events) AS events FROM source_offsets",
	);
	t.same(counts, [
		{ start_offset: "0", next_offset: "20", gap_count: "7", stored_count: "13", events: "13" },
	]);
	t.same(await third.stop(), { code: 0, signal: null });
});
