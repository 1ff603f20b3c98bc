/** Step 12: a flood of bad messages stops the engine before it drains the topic into the dead letters. */
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { createDatabase } from "../support/database.ts";
import { spawnEngine, startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { createTopic, type OutgoingMessage, send } from "../support/topic.ts";

const GOOD = 3_000;
const BAD = 30_000;
const WINDOW = 10_000;
/** More restarts than a supervisor makes in a minute. */
const RESTARTS = 3;

const good = (i: number): OutgoingMessage => ({
	key: `u${i % 50}`,
	value: `{"event_type":"login","event_time":"2025-06-01T12:00:00","payload":{"user_id":"u${i % 50}","session_id":${i}}}`,
});
const bad = (i: number): OutgoingMessage => ({ key: `u${i % 50}`, value: `not json ${i}` });

t.test(
	"a flood of bad messages stops the engine, restarts do not drain it, a higher limit goes on",
	async (t) => {
		const database = await createDatabase(t);
		const { client } = database;
		await migrate(database.settings);
		const topic = await createTopic(t, { partitions: 3 });
		const sent = await send(topic, [
			...Array.from({ length: GOOD }, (_, i) => good(i)),
			...Array.from({ length: BAD }, (_, i) => bad(i)),
			...Array.from({ length: GOOD }, (_, i) => good(GOOD + i)),
		]);
		const env = { FLUSH_ROWS_MAX: "1000", INVALID_RATIO_MAX: "0.6" };
		const deadLetters = async (): Promise<number> =>
			Number((await client.query("SELECT count(*) FROM dead_letters")).rows[0]?.count);

		const first = spawnEngine(t, { topic, database, env });
		t.same(await first.exited, { code: 65, signal: null });
		const alarms = first.log.filter(({ level }) => level === "fatal").map(({ msg }) => msg);
		t.match(alarms, [
			/of the last \d+ messages are no valid events.*INVALID_RATIO_MAX allows 60 %/,
			/^next: .*start with a higher INVALID_RATIO_MAX/,
		]);
		const stored = await deadLetters();
		t.ok(stored <= WINDOW, `${stored} dead letters were stored before it stopped`);

		for (let restart = 1; restart <= RESTARTS; restart++) {
			t.same(await spawnEngine(t, { topic, database, env }).exited, { code: 65, signal: null });
		}
		t.ok((await deadLetters()) <= WINDOW, `${await deadLetters()} after ${RESTARTS} more starts`);

		const last = await startEngine(t, { topic, database, env: { ...env, INVALID_RATIO_MAX: "1" } });
		await untilCounted(client, sent.length);
		await expectTables(t, client, oracle(sent));
		const metrics = await last.metrics();
		t.equal(metricValue(metrics, "engine_invalid_ratio_limit", {}), 1);
		t.ok(metricValue(metrics, "engine_invalid_ratio", {})! > 0.5);
		t.same(await last.stop(), { code: 0, signal: null });
	},
);
