/**
 * I2: `next_offset - start_offset - gap_count = stored_count + dead_letter_count`, and these are `count(*)`. That it
 * holds in every snapshot under faults is in snapshots.test.ts; here are offsets that hold no record at all.
 */
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import t from "tap";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { readTopic } from "../support/read-topic.ts";
import { lookAtSnapshot } from "../support/snapshot.ts";
import { chooseSeed, stream } from "../support/stream.ts";
import { createTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 2;

t.test(
	"markers and aborted records are gaps, counted as such, wherever an engine starts and stops",
	async (t) => {
		const seed = chooseSeed(t);
		const database = await createDatabase(t);
		const topic = await createTopic(t, { partitions: PARTITIONS });
		const kafka = new Kafka({ clientId: "test", brokers: [...topic.brokers], logLevel: logLevel.NOTHING });
		const producer = kafka.producer({
			transactionalId: topic.name,
			idempotent: true,
			maxInFlightRequests: 1,
		});
		await producer.connect();
		t.teardown(() => producer.disconnect());
		const messages = stream(seed, 3_000);
		let next = 0;
		/** In transactions of these sizes, each on both partitions. */
		const sendTransaction = async (size: number, ends: "commit" | "abort"): Promise<void> => {
			const transaction = await producer.transaction();
			const batch = messages.slice(next, next + size);
			await transaction.send({
				topic: topic.name,
				compression: CompressionTypes.None,
				messages: batch.map((message, i) => ({ ...message, partition: i % PARTITIONS })),
			});
			if (ends === "commit") {
				await transaction.commit();
				next += size;
			} else await transaction.abort();
		};

		let engine = await startEngine(t, { topic, database });
		const restart = async (round: number): Promise<void> => {
			t.same(await engine.stop(), { code: 0, signal: null });
			engine = await startEngine(t, { topic, database, groupId: `${topic.name}-${round}` });
		};
		await sendTransaction(10, "abort");
		await sendTransaction(100, "commit");
		await untilCounted(database.client, 100);
		await restart(1);
		// Larger than one fetch: whole fetches arrive without a record for us.
		await sendTransaction(2_000, "abort");
		await sendTransaction(500, "commit");
		await sendTransaction(4, "abort");
		await restart(2);
		await sendTransaction(2, "commit");
		await sendTransaction(50, "abort");

		await untilCounted(database.client, 602);
		const { admin } = topic;
		await waitUntil(
			async () => {
				const { rows } = await database.client.query(
					"SELECT kafka_partition AS partition, next_offset::text AS high FROM source_offsets ORDER BY 1",
				);
				const ends = (await admin.fetchTopicOffsets(topic.name)).sort((a, b) => a.partition - b.partition);
				return ends.every(({ high }, i) => Number(rows[i]?.high) >= Number(high) - 1);
			},
			{ what: "gaps at the end of the log" },
		);
		const inTopic = await readTopic(topic);
		t.equal(inTopic.length, 602);
		await expectTables(t, database.client, oracle(inTopic));
		t.same((await lookAtSnapshot(database.client)).violations, []);
		const { rows } = await database.client.query(
			"SELECT sum(gap_count)::int AS gaps, sum(next_offset - start_offset)::int AS offsets FROM source_offsets",
		);
		t.equal(rows[0].gaps, rows[0].offsets - 602);
		t.ok(rows[0].gaps >= 2_064, "the aborted records are among them");
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);

t.test("the database itself refuses counts that do not add up", async (t) => {
	const database = await createDatabase(t);
	const topic = await createTopic(t, { partitions: 1 });
	const engine = await startEngine(t, { topic, database });
	await waitUntil(async () => (await database.client.query("SELECT FROM source_offsets")).rows.length === 1);
	for (const change of [
		"stored_count = 1",
		"next_offset = 7",
		"gap_count = gap_count + 1",
		"next_offset = -1, gap_count = -1",
	])
		await t.rejects(database.client.query(`UPDATE source_offsets SET ${change}`), { code: "23514" }, change);
	t.same(await engine.stop(), { code: 0, signal: null });
});
