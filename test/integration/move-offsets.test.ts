/** Step 7a by the places of rows, on the real server: what becomes of a place that is not right any more. */
import t, { type Test } from "tap";
import type { SetRange } from "../../engine/ports.ts";
import { claim } from "../../engine/sink/claim.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { moveOffsets, type RowPlaces } from "../../engine/sink/move-offsets.ts";
import { createDatabase } from "../support/database.ts";

const TOPIC = "topic";
const PARTITIONS = [0, 1, 2];

async function claimed(t: Test) {
	const { client, settings } = await createDatabase(t);
	await migrate(settings);
	const identity = { clusterId: "cluster", topic: TOPIC, owner: "test" };
	const lows = new Map(PARTITIONS.map((partition) => [partition, 0]));
	const { claims, generation } = await claim(client, identity, lows);
	const places: RowPlaces = new Map();
	/** Each partition goes on by the gap of one offset. */
	const move = async (from: number): Promise<void> => {
		const ranges = claims.map(({ partition, epoch }): SetRange => {
			return { partition, epoch, from, to: from + 1, records: 0, gaps: 1, last: null };
		});
		await moveOffsets(client, TOPIC, generation, { set: from, ranges, parts: [] }, [], new Map(), places);
		await client.query("COMMIT");
	};
	const offsets = async (): Promise<number[]> => {
		const { rows } = await client.query<{ next: number }>(
			"SELECT next_offset::int AS next FROM source_offsets ORDER BY kafka_partition",
		);
		return rows.map(({ next }) => next);
	};
	const truePlaces = async (): Promise<Record<string, string>> => {
		const { rows } = await client.query<{ kafka_partition: number; ctid: string }>(
			"SELECT kafka_partition, ctid FROM source_offsets",
		);
		return Object.fromEntries(rows.map(({ kafka_partition, ctid }) => [kafka_partition, ctid]));
	};
	return { client, places, move, offsets, truePlaces };
}

t.test("after each move the places are those of the newest versions", async (t) => {
	const { places, move, offsets, truePlaces } = await claimed(t);
	for (let from = 0; from < 5; from++) {
		await move(from);
		t.same(Object.fromEntries(places), await truePlaces());
	}
	t.same(await offsets(), [5, 5, 5]);
});

t.test("a row that somebody else has written is found by its key", async (t) => {
	const { client, places, move, offsets, truePlaces } = await claimed(t);
	await move(0);
	await client.query("UPDATE source_offsets SET owner = 'somebody' WHERE kafka_partition = 1");
	await move(1);
	t.same(await offsets(), [2, 2, 2]);
	t.same(Object.fromEntries(places), await truePlaces());
});

t.test("a place without a row is no row, and its partition is found by its key", async (t) => {
	const { places, move, offsets } = await claimed(t);
	await move(0);
	places.set(2, "(4000000,1)");
	await move(1);
	t.same(await offsets(), [2, 2, 2]);
});

t.test("a place where another partition lies now is not mistaken for ours: nothing moves", async (t) => {
	const { client, places, move, offsets } = await claimed(t);
	await move(0);
	const [first, second] = [places.get(0)!, places.get(1)!];
	places.set(0, second).set(1, first);
	await t.rejects(move(1), { message: /^1 of 3 offset rows/ });
	await client.query("ROLLBACK");
	t.same(await offsets(), [1, 1, 1]);
});

t.test("the key of a row has the time in it, so that it has few versions behind a snapshot", async (t) => {
	const { client, move } = await claimed(t);
	await move(0);
	const { rows } = await client.query(
		`SELECT DISTINCT key_slot > 0 AS changed, key_slot = round(extract(epoch FROM updated_at) / 8) AS "isTime"
		FROM source_offsets`,
	);
	t.same(rows, [{ changed: true, isTime: true }]);
});
