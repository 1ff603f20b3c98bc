/**
 * Records deleted before they were counted: the partition stops and says why; the engine never jumps, since nobody
 * would miss what lies between. The other partitions go on.
 */
import type pg from "pg";
import t, { type Test } from "tap";
import { createDatabase } from "../support/database.ts";
import { type EngineProcess, startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { chooseSeed, type StreamMessage, stream } from "../support/stream.ts";
import { createTopic, type SentMessage, send, type TestTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 3;
const TRIMMED = 1;
/** More than a fetch of 64 KiB: what an engine has in its sockets when the log is cut does not reach the end. */
const PER_ROUND = 3_000;

t.test("records deleted while the engine was stopped halt their partition, and no other", async (t) => {
	const stage = await setStage(t);
	const first = await stage.start("first");
	await stage.sendMore();
	await untilCounted(stage.client, stage.sent.length);
	t.same(await first.stop(), { code: 0, signal: null });

	await stage.sendMore();
	const counted = await nextOffset(stage.client);
	const low = counted + 100;
	await stage.topic.deleteRecordsBefore(new Map([[TRIMMED, low]]));
	const why = `Postgres has counted up to offset ${counted}, but Kafka's log now starts at ${low}: 100 offsets were deleted`;
	// A second start finds it as the first one did: nothing was given up meanwhile.
	for (const label of ["second", "third"]) {
		const engine = await stage.start(label);
		await expectHalted(t, engine, new RegExp(why));
		await stage.sendMore();
		await stage.expectOthersExact(engine);
		t.equal(await nextOffset(stage.client), counted, "it has not moved");
		t.same(await engine.stop(), { code: 0, signal: null });
	}
});

t.test(
	"records deleted before a running engine could read them halt their partition, and no other",
	async (t) => {
		const stage = await setStage(t);
		const engine = await stage.start("engine");
		await stage.sendMore();
		await untilCounted(stage.client, stage.sent.length);

		// For less than its session, so that it wakes with the assignment it had.
		engine.kill("SIGSTOP");
		await stage.sendMore();
		const high = stage.sent.filter(({ partition }) => partition === TRIMMED).length;
		await stage.topic.deleteRecordsBefore(new Map([[TRIMMED, high - 10]]));
		engine.kill("SIGCONT");

		await expectHalted(t, engine, /offset_out_of_range|were deleted before they were counted/);
		const halted = await nextOffset(stage.client);
		t.ok(halted < high - 10, `it stands at ${halted}, before what was deleted up to ${high - 10}`);
		await stage.sendMore();
		await stage.expectOthersExact(engine);
		t.equal(await nextOffset(stage.client), halted, "it has not moved");
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);

t.test("records deleted after they were counted are nobody's loss", async (t) => {
	const stage = await setStage(t);
	const first = await stage.start("first");
	await stage.sendMore();
	await untilCounted(stage.client, stage.sent.length);
	const all = new Map(
		Array.from({ length: PARTITIONS }, (_, partition) => [partition, stage.end(partition)]),
	);
	await stage.topic.deleteRecordsBefore(all);
	await stage.sendMore();
	await untilCounted(stage.client, stage.sent.length);
	t.same(await first.stop(), { code: 0, signal: null });

	await stage.topic.deleteRecordsBefore(
		new Map([...all.keys()].map((partition) => [partition, stage.end(partition)])),
	);
	const second = await stage.start("second");
	await stage.sendMore();
	await untilCounted(stage.client, stage.sent.length);
	await second.ready();
	await expectTables(t, stage.client, oracle(stage.sent));
	const told = second.log.filter(({ msg }) => /the last counted record is not in the log any more/.test(msg));
	t.equal(told.length, PARTITIONS, "it says that it could not compare the last records");
	t.same(await second.stop(), { code: 0, signal: null });
});

interface TrimStage {
	readonly client: pg.Client;
	readonly topic: TestTopic;
	/** All that was acknowledged. */
	readonly sent: readonly SentMessage[];
	sendMore(): Promise<void>;
	/** Where a partition's log ends. */
	end(partition: number): number;
	start(label: string): Promise<EngineProcess>;
	/** The tables hold what lies before the halted partition's offset, and all of the other partitions. */
	expectOthersExact(engine: EngineProcess): Promise<void>;
}

async function setStage(t: Test): Promise<TrimStage> {
	const seed = chooseSeed(t);
	const database = await createDatabase(t);
	const { client } = database;
	const topic = await createTopic(t, { partitions: PARTITIONS });
	const messages: readonly StreamMessage[] = stream(seed, PER_ROUND * 5);
	const sent: SentMessage[] = [];
	let at = 0;
	return {
		client,
		topic,
		sent,
		async sendMore() {
			const part = messages.slice(at, at + PER_ROUND);
			at += PER_ROUND;
			sent.push(
				...(await send(
					topic,
					part.map((message, i) => ({ ...message, partition: i % PARTITIONS })),
				)),
			);
		},
		end: (partition) => sent.filter((message) => message.partition === partition).length,
		start: (label) => startEngine(t, { topic, database, label, env: { KAFKA_SESSION_TIMEOUT_MS: "30000" } }),
		async expectOthersExact(engine) {
			const until = await nextOffset(client);
			const expected = sent.filter(({ partition, offset }) => partition !== TRIMMED || offset < until);
			await untilCounted(client, expected.length);
			await expectTables(t, client, oracle(expected));
			const others = await waitUntil(async () => {
				const { partitions } = await engine.status();
				const found = partitions.filter(({ partition }) => partition !== TRIMMED);
				return found.every(({ lag }) => lag === 0) && found;
			});
			t.equal(others.length, PARTITIONS - 1);
			for (const { state, pausedReasons } of others)
				t.same({ state, pausedReasons }, { state: "running", pausedReasons: [] });
		},
	};
}

/** Where the trimmed partition stands in Postgres. */
async function nextOffset(client: pg.Client): Promise<number> {
	const { rows } = await client.query<{ next: number }>(
		"SELECT next_offset::int AS next FROM source_offsets WHERE kafka_partition = $1",
		[TRIMMED],
	);
	return rows[0]!.next;
}

/** In the status, the readiness, the metrics and one line of the log. */
async function expectHalted(t: Test, engine: EngineProcess, why: RegExp): Promise<void> {
	const halted = await waitUntil(
		async () => (await engine.status()).partitions.find(({ state }) => state === "halted"),
		{ what: "the halt" },
	);
	t.equal(halted.partition, TRIMMED);
	t.match(halted.haltReason, why);
	t.ok(halted.pausedReasons.includes("halted"), `paused because of ${halted.pausedReasons}`);
	const { status, body } = await engine.get("/readyz");
	t.equal(status, 503);
	t.match(JSON.parse(body).reasons.join(), new RegExp(`partition ${TRIMMED} is halted`));
	const { topic } = await engine.status();
	for (let partition = 0; partition < PARTITIONS; partition++) {
		const value = metricValue(await engine.metrics(), "engine_partition_halted", {
			topic,
			partition: String(partition),
		});
		t.equal(value, partition === TRIMMED ? 1 : 0, `engine_partition_halted of partition ${partition}`);
	}
	const lines = engine.log.filter(({ level, msg }) => level === "error" && /is halted/.test(msg));
	t.equal(lines.length, 1, "one line in the log");
	t.match(lines[0]!.msg, why);
	// What it had accepted before is stored still.
	await waitUntil(async () => Object.values((await engine.status()).sets).every((set) => set === null), {
		what: "no set under way",
	});
}
