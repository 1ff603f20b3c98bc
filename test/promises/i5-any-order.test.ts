/**
 * I5: the tables are a function of the set of messages. Any order, any set borders, any number of partitions, actors
 * and engines give the same result.
 */
import t, { type Test } from "tap";
import { createRandom, type Random } from "../../producer/random.ts";
import { createDatabase } from "../support/database.ts";
import { type EngineProcess, startEngine } from "../support/engine-process.ts";
import { untilCounted } from "../support/expect-tables.ts";
import { shuffled } from "../support/shuffled.ts";
import { chooseSeed, type StreamMessage, stream } from "../support/stream.ts";
import { createTopic, send } from "../support/topic.ts";

const MESSAGES = 4_000;

interface Way {
	readonly actors: number;
	readonly flushRowsMax: number;
	readonly flushIntervalMs: number;
	readonly partitions: number;
	readonly engines: number;
	/** Messages a request: what arrives together is likely to be folded together. */
	readonly together: number;
	readonly shuffled: boolean;
	/** Everything is there before the engine starts, or arrives while it runs. */
	readonly before: boolean;
}

const WAYS: readonly Way[] = [
	{
		actors: 1,
		flushRowsMax: 20_000,
		flushIntervalMs: 250,
		partitions: 1,
		engines: 1,
		together: 2_000,
		shuffled: false,
		before: true,
	},
	{
		actors: 1,
		flushRowsMax: 1,
		flushIntervalMs: 10,
		partitions: 3,
		engines: 1,
		together: 50,
		shuffled: true,
		before: false,
	},
	{
		actors: 4,
		flushRowsMax: 7,
		flushIntervalMs: 10,
		partitions: 1,
		engines: 1,
		together: 13,
		shuffled: true,
		before: false,
	},
	{
		actors: 2,
		flushRowsMax: 500,
		flushIntervalMs: 60_000,
		partitions: 5,
		engines: 1,
		together: 500,
		shuffled: true,
		before: true,
	},
	{
		actors: 3,
		flushRowsMax: 20_000,
		flushIntervalMs: 30,
		partitions: 6,
		engines: 3,
		together: 100,
		shuffled: true,
		before: false,
	},
];

/** What must not differ: all that is public, less where a record was and when it was stored. */
const RESULT = `
	SELECT 'hour ' || (to_jsonb(h) - 'updated_at')::text AS line FROM hourly_business_metrics h
	UNION ALL SELECT 'rolling ' || to_jsonb(r)::text FROM rolling_24h_metrics r
	UNION ALL SELECT 'day ' || to_jsonb(d)::text FROM daily_event_summary d
	UNION ALL SELECT 'event ' || (to_jsonb(e) - '{kafka_partition,kafka_offset,ingested_at}'::text[])::text FROM events e
	UNION ALL SELECT format('dead letter %s %s %s %s %s', encode(key, 'hex'), encode(value, 'hex'), stage, reason, pointer) FROM dead_letters
	ORDER BY 1`;

async function resultOf(
	t: Test,
	way: Way,
	messages: readonly StreamMessage[],
	random: Random,
): Promise<string[]> {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: way.partitions });
	const order = way.shuffled ? shuffled(messages, random) : messages;
	const sendAll = async (): Promise<void> => {
		for (let at = 0; at < order.length; at += way.together)
			await send(topic, order.slice(at, at + way.together));
	};
	if (way.before) await sendAll();
	const engines: EngineProcess[] = [];
	for (let engine = 0; engine < way.engines; engine++) {
		engines.push(
			await startEngine(t, {
				topic,
				database,
				env: {
					ACTORS: String(way.actors),
					FLUSH_ROWS_MAX: String(way.flushRowsMax),
					FLUSH_INTERVAL_MS: String(way.flushIntervalMs),
				},
			}),
		);
	}
	if (!way.before) await sendAll();
	if (way.flushIntervalMs < 1_000) await untilCounted(database.client, messages.length);
	// Where the interval is long, the last set is committed by the stop alone.
	else await untilCounted(database.client, messages.length - way.flushRowsMax);
	for (const engine of engines) t.same(await engine.stop(), { code: 0, signal: null });
	await database.client.query("SET TimeZone = 'UTC'");
	const { rows } = await database.client.query<{ line: string }>(RESULT);
	return rows.map(({ line }) => line);
}

t.test("the same messages give the same tables, whatever the way they took", async (t) => {
	const seed = chooseSeed(t);
	const random = createRandom(seed);
	const messages = stream(seed, MESSAGES, { users: 100, hours: 30 });
	let first: string[] | null = null;
	for (const way of WAYS) {
		const result = await resultOf(t, way, messages, random);
		first ??= result;
		t.ok(result.length > MESSAGES, `${result.length} lines of ${JSON.stringify(way)}`);
		const other = new Set(first);
		t.same(
			result.filter((line) => !other.has(line)).slice(0, 5),
			[],
			"no line that the first way did not give",
		);
		t.ok(result.join("\n") === first.join("\n"), "and each as often");
	}
});
