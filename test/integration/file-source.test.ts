/** `start --source FILE`: the same engine and the same promises on a file, without Kafka. */
import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { createDatabase } from "../support/database.ts";
import { fileText, messagesOf, spawnOnFile, startOnFile } from "../support/engine-on-file.ts";
import { expectTables, untilCounted } from "../support/expect-tables.ts";
import { lotteryEvent, ticket } from "../support/lottery-event.ts";
import { readOffsetHistory, recordOffsetHistory } from "../support/offset-history.ts";
import { oracle } from "../support/oracle.ts";
import { countedIn } from "../support/snapshot.ts";
import { chooseSeed, stream } from "../support/stream.ts";
import { waitUntil } from "../support/wait-until.ts";

const linesOf = (seed: number, events: number): Buffer[] => stream(seed, events).map(({ value }) => value);
const OK = { code: 0, signal: null };

t.test(
	"every kind of line is an event, a dead letter with its bytes, or a gap; then it ends with 0",
	async (t) => {
		const path = join(t.testdir(), "events.jsonl");
		const database = await createDatabase(t);
		const overlong = Buffer.from(`${lotteryEvent().padEnd(1_000_000, " ")}${"x".repeat(500_000)}`);
		const mark = "… cut here: the line has 1500000 bytes, at most 1000000 are kept";
		const far = lotteryEvent({ time: "2999-01-01T00:00:00Z" });
		const texts = [
			lotteryEvent(),
			`${ticket()}\r`,
			"",
			"\r",
			"{",
			" ",
			'{"event_type":"\xff"}',
			"\ufeff{}",
			far,
		];
		const lines = [
			...texts.map((text) => Buffer.from(text, text.includes("\xff") ? "latin1" : "utf8")),
			overlong,
			...linesOf(chooseSeed(t), 2_000),
		];
		const last = Buffer.from(ticket({ user: "the last one" }));
		writeFileSync(path, Buffer.concat([fileText(lines), last]));

		const engine = spawnOnFile(t, { database, path, args: ["--until-end"] });
		t.same(await engine.exited, OK);
		const cut = Buffer.concat([overlong.subarray(0, 1_000_000), Buffer.from(mark)]);
		const kept = lines.map((line) => (line === overlong ? cut : line));
		await expectTables(t, database.client, oracle(messagesOf([...kept, last])));
		const { rows } = await database.client.query(
			`SELECT cluster_id, start_offset::int, next_offset::int, gap_count::int FROM source_offsets, ledger`,
		);
		const all = { cluster_id: "file", start_offset: 0, next_offset: lines.length + 1, gap_count: 2 };
		t.same(rows, [all]);
		t.match(
			engine.log.find(({ msg }) => msg.includes("stored to its end"))?.msg,
			new RegExp(`: ${lines.length + 1} lines$`),
		);

		const again = spawnOnFile(t, { database, path, args: ["--until-end"] });
		t.same(await again.exited, OK, "a second run finds nothing to do");
		await expectTables(t, database.client, oracle(messagesOf([...kept, last])));
	},
);

t.test("killed in the middle and started again, each line is counted once", async (t) => {
	const path = join(t.testdir(), "events.jsonl");
	const database = await createDatabase(t);
	await migrate(database.settings);
	await recordOffsetHistory(database.client);
	const lines = linesOf(chooseSeed(t), 120_000);
	writeFileSync(path, fileText(lines));
	// Small sets, so that the file lasts for all of the kills.
	const env = { FLUSH_ROWS_MAX: "50", IN_FLIGHT_MB_MAX: "4" };
	const kills = 4;
	let killed = 0;
	for (; killed < kills; killed++) {
		const before = await countedIn(database.client);
		const engine = spawnOnFile(t, { database, path, env: { ...env, ACTORS: String(1 + (killed % 2)) } });
		await waitUntil(async () => (await countedIn(database.client)) > before, { everyMs: 10 });
		engine.kill("SIGKILL");
		t.same(await engine.exited, { code: null, signal: "SIGKILL" });
	}
	t.ok((await countedIn(database.client)) < lines.length, "it was killed in the middle");
	const last = spawnOnFile(t, { database, path, args: ["--until-end"] });
	t.same(await last.exited, OK);
	await expectTables(t, database.client, oracle(messagesOf(lines)));
	const history = await readOffsetHistory(database.client);
	t.same(history.problems, [], `I1 over ${history.commits} commits and ${history.claims} claims`);
	t.ok(history.claims > kills);
});

t.test(
	"a growing file is followed, a second engine stands by and takes over, a lost lock is found again",
	async (t) => {
		const path = join(t.testdir(), "events.jsonl");
		const database = await createDatabase(t);
		const lines = linesOf(chooseSeed(t), 3_000);
		const [first, second, third] = [lines.slice(0, 1_000), lines.slice(1_000, 2_000), lines.slice(2_000)];
		writeFileSync(path, "");
		const engine = await startOnFile(t, { database, path, label: "first" });
		await engine.ready();
		const status = await engine.status();
		t.match(status.partitions, [{ partition: 0, lag: 0, highWatermark: 0 }]);

		const half = Math.floor(first.at(-1)!.length / 2);
		const text = fileText(first);
		appendFileSync(path, text.subarray(0, text.length - half));
		await untilCounted(database.client, first.length - 1);
		appendFileSync(path, text.subarray(text.length - half));
		await untilCounted(database.client, first.length);
		await expectTables(t, database.client, oracle(messagesOf(first)));

		const heir = await startOnFile(t, { database, path, label: "second" });
		await waitUntil(() => heir.log.find(({ msg }) => msg.includes("standing by")), { what: "the stand-by" });
		await waitUntil(async () => (await heir.status()).state === "running");
		t.same((await heir.status()).partitions, [], "it reads nothing");
		const epoch = async (): Promise<number> => {
			const { rows } = await database.client.query<{ epoch: string }>("SELECT epoch FROM source_offsets");
			return Number(rows[0]!.epoch);
		};
		const before = await epoch();

		await database.client.query(
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		 WHERE datname = current_database() AND application_name LIKE 'lottery-engine file%'
			AND application_name LIKE '%:' || $1 || ':%'`,
			[engine.pid],
		);
		await waitUntil(async () => (await epoch()) > before, { what: "a claim by whoever has the lock now" });
		appendFileSync(path, fileText(second));
		await untilCounted(database.client, 2_000);

		// Whoever has lost the lock finds out within a second; until then the epoch keeps it from storing anything.
		const readers = [engine, heir];
		const ownerOf = async () => {
			const parts = await Promise.all(readers.map(async (one) => (await one.status()).partitions.length));
			return parts.reduce((sum, count) => sum + count) === 1 && readers[parts.indexOf(1)];
		};
		const owner = await waitUntil(ownerOf, { what: "one of the two that reads" });
		const standby = owner === engine ? heir : engine;
		owner.kill("SIGKILL");
		await owner.exited;
		appendFileSync(path, fileText(third));
		await untilCounted(database.client, lines.length);
		await expectTables(t, database.client, oracle(messagesOf(lines)));
		t.same(await standby.stop(), OK);
	},
);

t.test(
	"a file that is replaced by another one, or cut off, ends the engine, and nothing of it is counted",
	async (t) => {
		const folder = t.testdir();
		const path = join(folder, "events.jsonl");
		const database = await createDatabase(t);
		const lines = linesOf(chooseSeed(t), 600);
		writeFileSync(path, fileText(lines.slice(0, 400)));
		const engine = await startOnFile(t, { database, path });
		await untilCounted(database.client, 400);

		// As rsync does it: another file under the name, the same lines and more.
		writeFileSync(`${path}.new`, fileText(lines.slice(0, 500)));
		renameSync(`${path}.new`, path);
		await untilCounted(database.client, 500);

		const other = fileText([...lines.slice(100), ...lines]);
		writeFileSync(`${path}.new`, other);
		renameSync(`${path}.new`, path);
		t.same(await engine.exited, { code: 78, signal: null });
		const said = engine.log.map(({ msg }) => msg).join("\n");
		t.match(said, /line 500 of .*events\.jsonl is not the one that was counted there/);
		t.match(said, /next: name the file that was counted/);

		for (const [change, message] of [
			[() => writeFileSync(path, other), /is not the one that was counted/],
			[() => truncateSync(path, 1_000), /has \d lines, but 500 were counted/],
		] as const) {
			change();
			const refused = spawnOnFile(t, { database, path });
			t.same(await refused.exited, { code: 78, signal: null });
			t.match(refused.log.map(({ msg }) => msg).join("\n"), message);
		}
		await expectTables(t, database.client, oracle(messagesOf(lines.slice(0, 500))));

		writeFileSync(path, fileText(lines));
		const last = spawnOnFile(t, { database, path, args: ["--until-end"] });
		t.same(await last.exited, OK, "the right file goes on");
		await expectTables(t, database.client, oracle(messagesOf(lines)));
	},
);

t.test("a database that holds a topic of Kafka is not a file's", async (t) => {
	const path = join(t.testdir(), "events.jsonl");
	const database = await createDatabase(t);
	await migrate(database.settings);
	await database.client.query("INSERT INTO ledger (cluster_id, topic) VALUES ('a cluster', 'from_file')");
	writeFileSync(path, fileText(linesOf(chooseSeed(t), 10)));
	const refused = spawnOnFile(t, { database, path, args: ["--until-end"] });
	t.same(await refused.exited, { code: 78, signal: null });
	t.match(refused.errors.join("\n"), /holds topic "from_file" of Kafka cluster "a cluster"/);
	t.equal(await countedIn(database.client), 0);
});
