/** One row for each partition: the key does not see to it (migration 0009), so the table does. */
import t, { type Test } from "tap";
import { claim } from "../../engine/sink/claim.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { createDatabase } from "../support/database.ts";
import { session, untilBlocked } from "../support/postgres-sessions.ts";

const ROWS =
	"SELECT kafka_partition AS partition, start_offset::int AS start FROM source_offsets ORDER BY 1, 2";
const ADD =
	"INSERT INTO public.source_offsets (topic, kafka_partition, start_offset, next_offset) VALUES ('t', $1, $2, $2)";
const REFUSED = { code: "23505", message: "partition 0 of t has an offset row" };
const identity = { clusterId: "c", topic: "t", owner: "test" };

async function twoSessions(t: Test) {
	const database = await createDatabase(t);
	await migrate(database.settings);
	const rows = async () => (await database.client.query(ROWS)).rows;
	return { looker: database.client, a: await session(t, database), b: await session(t, database), rows };
}

t.test("a second row of a partition is refused, and no row is made one", async (t) => {
	const { looker: a, rows } = await twoSessions(t);
	await a.query(ADD, [0, 10]);
	await a.query(ADD, [1, 20]);
	await a.query("UPDATE source_offsets SET key_slot = 7 WHERE kafka_partition = 0");
	await t.rejects(a.query(ADD, [0, 30]), REFUSED);
	await t.rejects(a.query(`${ADD}, ('t', 2, 6, 6)`.replaceAll("$1", "2").replaceAll("$2", "5")), {
		code: "23505",
	});
	await t.rejects(
		a.query("UPDATE source_offsets SET kafka_partition = 0 WHERE kafka_partition = 1"),
		REFUSED,
	);
	await t.resolves(a.query("UPDATE source_offsets SET kafka_partition = 0 WHERE kafka_partition = 0"));
	await a.query("BEGIN; SET LOCAL search_path = ''");
	await t.rejects(a.query(ADD, [0, 30]), REFUSED, "nor by a dump that is restored");
	await a.query("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ");
	await t.rejects(a.query(ADD, [3, 0]), { code: "0A000" }, "nor by whoever cannot see what is there");
	await a.query("ROLLBACK");
	t.same(await rows(), [
		{ partition: 0, start: 10 },
		{ partition: 1, start: 20 },
	]);
});

for (const end of ["COMMIT", "ROLLBACK"] as const) {
	t.test(`of two sessions that add a partition at the same time one does: ${end} of the first`, async (t) => {
		const { looker, a, b, rows } = await twoSessions(t);
		await a.client.query("BEGIN");
		await a.client.query(ADD, [0, 10]);
		const second = b.client.query(ADD, [0, 20]).then(
			() => null,
			(error: unknown) => error,
		);
		t.same((await untilBlocked(looker, b.pid)).blockers, [a.pid]);
		await a.client.query("UPDATE source_offsets SET key_slot = 1, epoch = 1");
		await a.client.query(end);
		if (end === "COMMIT") t.match(await second, REFUSED);
		else t.equal(await second, null);
		t.same(await rows(), [{ partition: 0, start: end === "COMMIT" ? 10 : 20 }]);
	});
}

t.test("a claim waits for whoever adds its partitions, and takes their rows", async (t) => {
	const { looker, a, b, rows } = await twoSessions(t);
	await a.client.query("INSERT INTO ledger (cluster_id, topic) VALUES ('c', 't')");
	await a.client.query("BEGIN");
	await a.client.query(ADD, [0, 10]);
	const lows = new Map([0, 1].map((partition) => [partition, 30]));
	const claimed = claim(b.client, identity, lows);
	claimed.catch(() => {});
	t.same((await untilBlocked(looker, b.pid)).blockers, [a.pid]);
	await a.client.query("UPDATE source_offsets SET key_slot = 1");
	await a.client.query("COMMIT");
	const { claims } = await claimed;
	t.same(claims.map(({ partition, nextOffset }) => [partition, nextOffset]).sort(), [
		[0, 10],
		[1, 30],
	]);
	t.same(await rows(), [
		{ partition: 0, start: 10 },
		{ partition: 1, start: 30 },
	]);
});

t.test("a partition with two rows is not claimed: which of them is right cannot be told", async (t) => {
	const { looker: a } = await twoSessions(t);
	await claim(a, identity, new Map([[0, 10]]));
	await a.query("UPDATE source_offsets SET key_slot = 7; ALTER TABLE source_offsets DISABLE TRIGGER USER");
	await a.query(ADD, [0, 30]);
	await t.rejects(claim(a, identity, new Map([[0, 10]])), {
		code: "OFFSET_ROWS",
		message: /^partition 0 has more than one row/,
	});
	await a.query("ROLLBACK");
	const { rows } = await a.query("SELECT DISTINCT epoch::int AS epoch FROM source_offsets ORDER BY 1");
	t.same(rows, [{ epoch: 0 }, { epoch: 1 }], "nothing was changed");
});
