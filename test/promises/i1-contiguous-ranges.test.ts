/**
 * I1: per partition, committed ranges are contiguous and epochs never fall. The history of the offset rows under every
 * fault is judged at the end of all tests that use `setTheStage`; here each guard of the flush is asked alone, since in
 * a running engine another one often stands behind it.
 */
import type pg from "pg";
import t, { type Test } from "tap";
import type { RecentCounts } from "../../engine/ports.ts";
import { connect } from "../../engine/sink/connect.ts";
import { FlushMemory, flush } from "../../engine/sink/flush.ts";
import { migrate } from "../../engine/sink/migrate.ts";
import { PostgresStore } from "../../engine/sink/writer.ts";
import { createDatabase } from "../support/database.ts";
import { readOffsetHistory, recordOffsetHistory } from "../support/offset-history.ts";

const TOPIC = "i1";
const STEP_DEADLINE_MS = 10_000;

interface Range {
	readonly partition: number;
	readonly epoch: number;
	readonly from: number;
	readonly to: number;
}

/** A set of gaps: offsets without a record, all that the guards look at. */
function gaps(...ranges: readonly Range[]) {
	return {
		set: 1,
		ranges: ranges.map((range) => ({ ...range, records: 0, gaps: range.to - range.from, last: null })),
		parts: [],
	};
}

async function twoEngines(t: Test) {
	const { settings, client } = await createDatabase(t);
	await migrate(settings);
	await recordOffsetHistory(client);
	const store = (owner: string) => {
		const made = new PostgresStore(settings, { clusterId: "c", topic: TOPIC, owner });
		t.teardown(() => made.close());
		return made;
	};
	const next = async (): Promise<number[]> => {
		const { rows } = await client.query(
			"SELECT next_offset::int FROM source_offsets ORDER BY kafka_partition",
		);
		return rows.map((row) => row.next_offset);
	};
	return { settings, client, one: store("one"), two: store("two"), next };
}

/** Asks, and does not sleep: a round trip is the pause. */
async function untilSomebodyWaits(client: pg.Client): Promise<void> {
	for (let waiting = 0; waiting === 0; ) {
		// Within a transaction it would go on showing what it showed first.
		await client.query("SELECT pg_stat_clear_snapshot()");
		const { rows } = await client.query(
			`SELECT count(*)::int AS waiting FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`,
		);
		waiting = rows[0].waiting;
	}
}

const NO_COUNTS: ReadonlyMap<number, RecentCounts> = new Map();
const LOWS = new Map([
	[0, 10],
	[1, 10],
]);

t.test("each guard of a flush holds alone", async (t) => {
	t.test("a claim in between fences, even where the offset is still the same", async (t) => {
		const { one, two, next, client } = await twoEngines(t);
		const [claim] = await one.claim(LOWS);
		t.match(claim, { epoch: 1, nextOffset: 10 });
		t.match((await two.claim(LOWS))[0], { epoch: 2, nextOffset: 10 });
		await t.rejects(one.commit(gaps({ partition: 0, epoch: 1, from: 10, to: 12 }), NO_COUNTS), {
			code: "FENCED",
		});
		one.reset();
		t.same(await next(), [10, 10]);
		await two.commit(gaps({ partition: 0, epoch: 2, from: 10, to: 12 }), NO_COUNTS);
		t.same(await next(), [12, 10]);
		t.same((await readOffsetHistory(client)).problems, []);
	});

	t.test("the same set a second time fences, under the same epoch", async (t) => {
		const { one, next } = await twoEngines(t);
		await one.claim(LOWS);
		const set = gaps({ partition: 0, epoch: 1, from: 10, to: 12 });
		await one.commit(set, NO_COUNTS);
		await t.rejects(one.commit(set, NO_COUNTS), { code: "FENCED" });
		one.reset();
		t.same(await next(), [12, 10]);
	});

	t.test("a set that leaves a hole fences", async (t) => {
		const { one, next } = await twoEngines(t);
		await one.claim(LOWS);
		await t.rejects(one.commit(gaps({ partition: 0, epoch: 1, from: 11, to: 12 }), NO_COUNTS), {
			code: "FENCED",
		});
		one.reset();
		t.same(await next(), [10, 10]);
	});

	t.test("one partition that is somebody else's keeps the whole set out", async (t) => {
		const { one, two, next } = await twoEngines(t);
		await one.claim(LOWS);
		await two.claim(new Map([[1, 10]]));
		const set = gaps(
			{ partition: 0, epoch: 1, from: 10, to: 12 },
			{ partition: 1, epoch: 1, from: 10, to: 12 },
		);
		await t.rejects(one.commit(set, NO_COUNTS), { code: "FENCED", message: /^1 of 2 offset rows/ });
		one.reset();
		t.same(await next(), [10, 10]);
	});

	t.test("a raised generation of the ledger fences", async (t) => {
		const { one, client, next } = await twoEngines(t);
		await one.claim(LOWS);
		await client.query("UPDATE ledger SET generation = generation + 1");
		await t.rejects(one.commit(gaps({ partition: 0, epoch: 1, from: 10, to: 12 }), NO_COUNTS), {
			code: "FENCED",
		});
		one.reset();
		t.same(await next(), [10, 10]);
		await one.claim(LOWS);
		await one.commit(gaps({ partition: 0, epoch: 2, from: 10, to: 12 }), NO_COUNTS);
		t.same(await next(), [12, 10], "a claim learns the new generation");
	});

	t.test("a COMMIT that is answered by ROLLBACK is a failure", async (t) => {
		const { settings, one, next } = await twoEngines(t);
		await one.claim(LOWS);
		const client = await connect(settings, { applicationName: "test" });
		t.teardown(() => client.end());
		// The server answers a COMMIT in a failed transaction by the tag ROLLBACK, and by no error.
		const failing = new Proxy(client, {
			get(target, name) {
				if (name !== "query") return Reflect.get(target, name, target);
				return async (query: string) => {
					if (query === "COMMIT") await target.query("SELECT 1 / 0").catch(() => {});
					return target.query(query);
				};
			},
		}) as pg.Client;
		const work = flush(
			failing,
			TOPIC,
			"0",
			gaps({ partition: 0, epoch: 1, from: 10, to: 12 }),
			NO_COUNTS,
			new FlushMemory(),
			STEP_DEADLINE_MS,
		);
		await t.rejects(work, { code: "NOT_COMMITTED" });
		t.same(await next(), [10, 10]);
	});
});

t.test("a claim waits for the flush in flight, and starts where that has ended", async (t) => {
	const { settings, one, two, client } = await twoEngines(t);
	await one.claim(LOWS);
	const flushing = await connect(settings, { applicationName: "test" });
	t.teardown(() => flushing.end());
	await flushing.query("BEGIN");
	await flushing.query(
		"UPDATE source_offsets SET next_offset = 15, gap_count = 5 WHERE kafka_partition = 0 AND epoch = 1 AND next_offset = 10",
	);
	let isAnswered = false;
	const claim = two.claim(LOWS).finally(() => {
		isAnswered = true;
	});
	await untilSomebodyWaits(client);
	t.notOk(isAnswered);
	await flushing.query("COMMIT");
	t.match(await claim, [
		{ partition: 0, epoch: 2, nextOffset: 15 },
		{ partition: 1, epoch: 2, nextOffset: 10 },
	]);
	t.same((await readOffsetHistory(client)).problems, []);
});

for (const what of ["flush", "claim"] as const) {
	t.test(`a ${what} locks rows in the order of the partitions, wherever they lie`, async (t) => {
		const { settings, one, two, client } = await twoEngines(t);
		// The later partition's row is the first in the table, and these plans find it first.
		for (const plan of ["indexscan", "bitmapscan", "indexonlyscan", "mergejoin"])
			await client.query(`ALTER DATABASE ${settings.database} SET enable_${plan} = off`);
		await one.claim(new Map([[1, 10]]));
		await one.claim(new Map([[0, 10]]));
		await client.query("BEGIN; SELECT FROM source_offsets WHERE kafka_partition = 0 FOR UPDATE");
		const ranges = [1, 0].map((partition) => ({ partition, epoch: 1, from: 10, to: 12 }));
		const work = what === "claim" ? two.claim(LOWS) : one.commit(gaps(...ranges), NO_COUNTS);
		await untilSomebodyWaits(client);
		// Whoever waits for the first holds none of the others, so that there is never a circle.
		await t.resolves(
			client.query("SELECT FROM source_offsets WHERE kafka_partition = 1 FOR UPDATE NOWAIT"),
			"the other row is free",
		);
		await client.query("ROLLBACK");
		await work;
	});
}

t.test("many engines that claim and flush at once give every partition one contiguous history", async (t) => {
	const { settings, client, next } = await twoEngines(t);
	const partitions = [0, 1, 2, 3];
	const lows = new Map(partitions.map((partition) => [partition, 10]));
	const fenced: unknown[] = [];
	const work = async (owner: string): Promise<void> => {
		const store = new PostgresStore(settings, { clusterId: "c", topic: TOPIC, owner });
		t.teardown(() => store.close());
		for (let round = 0; round < 25; round++) {
			const claims = await store.claim(lows);
			let ranges = claims.map(({ partition, epoch, nextOffset: from }) => ({
				partition,
				epoch,
				from,
				to: from + 1,
			}));
			try {
				for (let set = 0; set < 3; set++) {
					await store.commit(gaps(...ranges), NO_COUNTS);
					ranges = ranges.map(({ partition, epoch, to }) => ({ partition, epoch, from: to, to: to + 1 }));
				}
			} catch (error) {
				fenced.push((error as { code?: unknown }).code);
				store.reset();
			}
		}
	};
	await Promise.all(["one", "two", "three"].map(work));
	t.ok(fenced.length > 0, `${fenced.length} sets were fenced`);
	t.same(new Set(fenced), new Set(["FENCED"]), "and none failed for another reason, such as a deadlock");
	const history = await readOffsetHistory(client);
	t.same(history.problems, [], `${history.commits} commits and ${history.claims} claims`);
	const end = 10 + history.commits;
	t.same(
		await next(),
		partitions.map(() => end),
	);
});
