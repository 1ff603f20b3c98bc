/**
 * Batches that cannot be read, made on the disk of a broker of our own: no broker takes them from a producer. Each stops
 * its partition with a reason, the others go on, and nobody crashes; mended, the partition goes on where it stopped.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import t, { type Test } from "tap";
import { crc32c } from "../../engine/kafka/crc32c.ts";
import { createDatabase } from "../support/database.ts";
import { type EngineProcess, startEngine } from "../support/engine-process.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { oracle } from "../support/oracle.ts";
import { ownKafka } from "../support/own-parts.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { chooseSeed, stream } from "../support/stream.ts";
import { createTopic, type SentMessage, send } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const ATTRIBUTES_AT = 21;
const HEADER_BYTES = 61;

/** By partition: what happens to a batch, and what is then said of it. The partitions without an entry are well. */
const DAMAGE: ReadonlyMap<number, { readonly damage: (batch: Buffer) => void; readonly why: RegExp }> =
	new Map([
		[1, { damage: flipBit, why: /the checksum of the batch is [0-9a-f]{8}, that of its bytes [0-9a-f]{8}/ }],
		[2, { damage: (batch: Buffer) => relabel(batch, 7), why: /compression 7 is unknown to this engine/ }],
		[3, { damage: (batch: Buffer) => relabel(batch, 4), why: /compression Zstandard: / }],
	]);
const PARTITIONS = 5;
const PER_ROUND = 1_000;

t.test("batches that cannot be read stop their partitions alone, and until the log is mended", async (t) => {
	const seed = chooseSeed(t);
	const broker = await ownKafka(t);
	// Where the helper looks for a broker; this file is a process of its own.
	process.env["KAFKA_BROKERS"] = broker.at.brokers.join(",");
	const topic = await createTopic(t, { partitions: PARTITIONS });
	const database = await createDatabase(t);
	const { client } = database;
	const messages = stream(seed, PER_ROUND * 4);
	const sent: SentMessage[] = [];
	const sendMore = async (): Promise<void> => {
		const part = messages.slice(sent.length, sent.length + PER_ROUND);
		sent.push(
			...(await send(
				topic,
				part.map((message, i) => ({ ...message, partition: i % PARTITIONS })),
			)),
		);
	};
	const start = (label: string): Promise<EngineProcess> => startEngine(t, { topic, database, label });

	await sendMore();
	const before = await start("before");
	await untilCounted(client, sent.length);
	t.same(await before.stop(), { code: 0, signal: null });
	const counted = sent.length / PARTITIONS;
	await sendMore();
	await broker.stop("orderly");
	const originals = new Map<string, Buffer>();
	for (const [partition, { damage }] of DAMAGE) {
		const file = segmentOf(broker.home, topic.name, partition);
		originals.set(file, readFileSync(file));
		writeFileSync(file, changed(originals.get(file)!, counted, damage));
	}
	await broker.startAgain();

	// A second start finds it as the first one did.
	for (const label of ["first", "second"]) {
		const engine = await start(label);
		await sendMore();
		const readable = sent.filter(({ partition, offset }) => !DAMAGE.has(partition) || offset < counted);
		await untilCounted(client, readable.length);
		for (const [partition, { why }] of DAMAGE) await expectHalted(t, engine, partition, counted, why);
		await expectTables(t, client, oracle(readable));
		// A broker that has just started says that its coordinator is loading, and the consumer is started again.
		const crashes = engine.log.filter(
			({ msg }) => /crashed|cannot go on|recover/.test(msg) && !/coordinator is loading/.test(msg),
		);
		t.same(crashes, [], "nothing crashed, and nothing had to recover");
		t.same(await engine.stop(), { code: 0, signal: null });
	}
	await expectStanding(t, client, counted);

	await broker.stop("orderly");
	for (const [file, original] of originals) writeBatches(file, original);
	await broker.startAgain();
	const after = await start("after");
	await untilCounted(client, sent.length);
	await after.ready();
	await expectTables(t, client, oracle(sent));
	t.same(await after.stop(), { code: 0, signal: null });
});

function segmentOf(home: string, topic: string, partition: number): string {
	const ending = join(`${topic}-${partition}`, "00000000000000000000.log");
	const found = readdirSync(home, { recursive: true, encoding: "utf8" }).find((path) =>
		path.endsWith(ending),
	);
	if (found === undefined) throw new Error(`the broker has no log of partition ${partition}`);
	return join(home, found);
}

/** The log with the batch that holds `offset` changed in place. */
function changed(log: Buffer, offset: number, damage: (batch: Buffer) => void): Buffer {
	const copy = Buffer.from(log);
	for (let at = 0; at < copy.length; ) {
		const end = at + 12 + copy.readInt32BE(at + 8);
		const batch = copy.subarray(at, end);
		const base = Number(batch.readBigInt64BE(0));
		if (base <= offset && offset <= base + batch.readInt32BE(23)) {
			damage(batch);
			return copy;
		}
		at = end;
	}
	throw new Error(`the log has no batch with offset ${offset}`);
}

/** The original batches over the damaged ones; what was appended since stays. */
function writeBatches(file: string, original: Buffer): void {
	const now = readFileSync(file);
	original.copy(now);
	writeFileSync(file, now);
}

/** As a bad disk does, in the last digit of an amount: only the checksum can tell. */
function flipBit(batch: Buffer): void {
	const amount = batch.indexOf('"amount":', HEADER_BYTES);
	if (amount < 0) throw new Error("the batch holds no amount");
	batch[amount + '"amount":'.length]! ^= 1;
}

/** Says another compression than the bytes have, under a checksum that is right. */
function relabel(batch: Buffer, codec: number): void {
	batch.writeInt16BE((batch.readInt16BE(ATTRIBUTES_AT) & ~7) | codec, ATTRIBUTES_AT);
	batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), 17);
}

/** In the status, the readiness, the metrics and one line of the log. */
async function expectHalted(
	t: Test,
	engine: EngineProcess,
	partition: number,
	offset: number,
	why: RegExp,
): Promise<void> {
	const halted = await waitUntil(
		async () =>
			(await engine.status()).partitions.find((one) => one.partition === partition && one.haltReason),
		{ what: `the halt of partition ${partition}` },
	);
	t.equal(halted.state, "halted");
	t.match(halted.haltReason, new RegExp(`^unreadable_batch: the records from offset ${offset} on`));
	t.match(halted.haltReason, why);
	const { status, body } = await engine.get("/readyz");
	t.equal(status, 503);
	t.match(body, new RegExp(`partition ${partition} is halted`));
	const { topic } = await engine.status();
	const labels = { topic, partition: String(partition) };
	t.equal(metricValue(await engine.metrics(), "engine_partition_halted", labels), 1);
	const lines = engine.log.filter(({ level, partition: of }) => level === "error" && of === partition);
	t.equal(lines.length, 1, "one line in the log");
	t.match(lines[0]!.msg, why);
}

async function expectStanding(t: Test, client: pg.Client, offset: number): Promise<void> {
	const { rows } = await client.query<{ partition: number; next: number }>(
		"SELECT kafka_partition AS partition, next_offset::int AS next FROM source_offsets ORDER BY 1",
	);
	for (const { partition, next } of rows) {
		if (DAMAGE.has(partition)) t.equal(next, offset, `partition ${partition} has not moved`);
	}
}
