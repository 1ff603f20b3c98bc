/** One row for each partition: the key does not see to it (migration 0009), so the table does. */
import t, { type Test } from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { createDatabase } from "../support/database.ts";
import { session, untilBlocked } from "../support/postgres-sessions.ts";

const ROWS = "SELECT kafka_partition AS partition, start_offset::int AS start FROM source_offsets ORDER BY 1";
const ADD =
	"INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset) VALUES ('t', $1, $2, $2)";

async function twoSessions(t: Test) {
	const database = await createDatabase(t);
	await migrate(database.settings);
	const rows = async () => (await database.client.query(ROWS)).rows;
	return { looker: database.client, a: await session(t, database), b: await session(t, database), rows };
}

t.test("a second row of a partition is left out, and no row is made one", async (t) => {
	const { looker: a, rows } = await twoSessions(t);
	const warnings: string[] = [];
	a.on("notice", ({ message }) => warnings.push(message ?? ""));
	await a.query(ADD, [0, 10]);
	await a.query(ADD, [1, 20]);
	await a.query("UPDATE source_offsets SET key_slot = 7 WHERE kafka_partition = 0");
	t.equal((await a.query(ADD, [0, 30])).rowCount, 0);
	t.same(warnings, ["partition 0 of t has an offset row: left out"]);
	const two =
		"INSERT INTO source_offsets (topic, kafka_partition, start_offset, next_offset) VALUES ('t', 2, 5, 5), ('t', 2, 6, 6)";
	t.equal((await a.query(two)).rowCount, 1, "nor two at once");
	await t.rejects(a.query("UPDATE source_offsets SET kafka_partition = 1 WHERE kafka_partition = 0"), {
		code: "23505",
	});
	await t.resolves(
		a.query("UPDATE source_offsets SET kafka_partition = 0, topic = 't' WHERE kafka_partition = 0"),
	);
	t.same(await rows(), [
		{ partition: 0, start: 10 },
		{ partition: 1, start: 20 },
		{ partition: 2, start: 5 },
	]);
});

for (const [end, start] of [
	["COMMIT", 10],
	["ROLLBACK", 20],
] as const) {
	t.test(`of two sessions that add a partition at the same time one does: ${end} of the first`, async (t) => {
		const { looker, a, b, rows } = await twoSessions(t);
		await a.client.query("BEGIN");
		await a.client.query(ADD, [0, 10]);
		const second = b.client.query(ADD, [0, 20]);
		t.same((await untilBlocked(looker, b.pid)).blockers, [a.pid]);
		await a.client.query("UPDATE source_offsets SET key_slot = 1, epoch = 1");
		await a.client.query(end);
		await second;
		t.same(await rows(), [{ partition: 0, start }]);
	});
}
