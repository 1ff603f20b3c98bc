/** Postgres's row locks and snapshots, on which the transactions of engine/sink stand. */
import t from "tap";
import { codeOf, free, stage, untilBlocked } from "../support/postgres-sessions.ts";

t.test(
	"pg_blocking_pids names who holds a row, pg_locks since when we wait, and the holder waits for its client",
	async (t) => {
		const { looker, a, b } = await stage(t);
		await a.client.query("BEGIN; SELECT FROM it WHERE id = 1 FOR UPDATE");
		const waiting = b.client.query("SELECT FROM it WHERE id = 1 FOR UPDATE");
		t.same(await untilBlocked(looker, b.pid), { blockers: [a.pid], event: "Lock" });
		const { rows } = await looker.query(
			"SELECT wait_event_type, state FROM pg_stat_activity WHERE pid = $1",
			[a.pid],
		);
		t.same(rows, [{ wait_event_type: "Client", state: "idle in transaction" }]);
		await a.client.query("COMMIT");
		t.equal((await waiting).rowCount, 1);
	},
);

t.test("SELECT ... ORDER BY ... FOR UPDATE takes its rows in that order", async (t) => {
	const { looker, a, b } = await stage(t);
	await a.client.query("BEGIN; SELECT FROM it WHERE id = 2 FOR UPDATE");
	const ids = "SELECT id FROM it WHERE id = ANY ('{3,2,1}') ORDER BY id FOR UPDATE";
	const waiting = b.client.query(`BEGIN; ${ids}`);
	await untilBlocked(looker, b.pid);
	t.same(await free(looker), [3], "1 is taken, 2 is waited for, 3 is still free");
	await a.client.query("COMMIT");
	await waiting;
	t.same(await free(looker), []);
});

t.test(
	"UPDATE ... FROM unnest takes its rows in whatever order its plan has: the reason for locking before",
	async (t) => {
		const { looker, a, b } = await stage(t);
		await a.client.query("BEGIN; SELECT FROM it WHERE id = 2 FOR UPDATE");
		await b.client.query("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off");
		const waiting = b.client.query(
			"UPDATE it SET epoch = 2 FROM unnest('{3,2,1}'::int[]) AS v(id) WHERE it.id = v.id",
		);
		await untilBlocked(looker, b.pid);
		t.same(await free(looker), [1], "3 came first");
		await a.client.query("COMMIT");
		await waiting;
	},
);

t.test("two transactions that wait for each other: one of them ends with 40P01", async (t) => {
	const { looker, a, b } = await stage(t);
	await Promise.all([
		a.client.query("SET deadlock_timeout = 100"),
		b.client.query("SET deadlock_timeout = 100"),
	]);
	await a.client.query("BEGIN; UPDATE it SET epoch = 2 WHERE id = 1");
	await b.client.query("BEGIN; UPDATE it SET epoch = 2 WHERE id = 2");
	const first = a.client.query("UPDATE it SET epoch = 2 WHERE id = 2").catch(codeOf);
	await untilBlocked(looker, a.pid);
	const second = b.client.query("UPDATE it SET epoch = 2 WHERE id = 1").catch(codeOf);
	const outcomes = await Promise.all([first, second]);
	t.equal(outcomes.filter((code) => code === "40P01").length, 1);
});

t.test(
	"READ COMMITTED: what waited for a row sees its new version, and each statement sees what is committed by then",
	async (t) => {
		const { looker, a, b } = await stage(t);
		await a.client.query("BEGIN; UPDATE it SET epoch = 2 WHERE id = 1");
		await b.client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
		const locking = b.client.query("SELECT epoch FROM it WHERE id = 1 FOR UPDATE");
		await untilBlocked(looker, b.pid);
		await a.client.query("COMMIT");
		t.same((await locking).rows, [{ epoch: 2 }]);
		const fenced = await b.client.query("UPDATE it SET name = 'late' WHERE id = 1 AND epoch = 1");
		t.equal(fenced.rowCount, 0, "the epoch that was claimed meanwhile fences");
		const waitingUpdate = await b.client.query("UPDATE it SET name = 'mine' WHERE id = 1 AND epoch = 2");
		t.equal(waitingUpdate.rowCount, 1);
	},
);

t.test(
	"READ COMMITTED: an UPDATE that waited judges its condition again, but a subquery of it is as old as the statement",
	async (t) => {
		const { looker, a, b } = await stage(t);
		await looker.query("CREATE TABLE ledger AS SELECT 1 AS generation");
		await a.client.query("BEGIN; UPDATE it SET name = 'held' WHERE id = 1; UPDATE ledger SET generation = 2");
		const waiting = b.client.query(
			"UPDATE it SET name = 'mine' WHERE id = 1 AND (SELECT generation FROM ledger) = 1 AND epoch = 1",
		);
		await untilBlocked(looker, b.pid);
		await a.client.query("COMMIT");
		t.equal((await waiting).rowCount, 1, "the old generation was seen: it must be read behind the lock");
		await a.client.query("BEGIN; UPDATE it SET epoch = 2 WHERE id = 1");
		const fenced = b.client.query("UPDATE it SET name = 'mine' WHERE id = 1 AND epoch = 1");
		await untilBlocked(looker, b.pid);
		await a.client.query("COMMIT");
		t.equal((await fenced).rowCount, 0);
	},
);

t.test(
	"ON CONFLICT DO NOTHING waits for a row in doubt, and RETURNING gives only what was really inserted",
	async (t) => {
		const { looker, a, b } = await stage(t);
		const insert = "INSERT INTO it (id) VALUES (3), (4), (5) ON CONFLICT DO NOTHING RETURNING id";
		await a.client.query("BEGIN; INSERT INTO it (id) VALUES (4)");
		const waiting = b.client.query(insert);
		t.same(
			(await untilBlocked(looker, b.pid)).blockers,
			[a.pid],
			"a shared key is enough to hold a flush up",
		);
		await a.client.query("COMMIT");
		t.same((await waiting).rows, [{ id: 5 }]);
		await a.client.query("BEGIN; INSERT INTO it (id) VALUES (6)");
		const second = b.client.query("INSERT INTO it (id) VALUES (6) ON CONFLICT DO NOTHING RETURNING id");
		await untilBlocked(looker, b.pid);
		await a.client.query("ROLLBACK");
		t.same((await second).rows, [{ id: 6 }], "who was in doubt never came");
	},
);

t.test("ON CONFLICT DO UPDATE adds to what was committed meanwhile", async (t) => {
	const { looker, a, b } = await stage(t);
	const add =
		"INSERT INTO it AS i (id, epoch) VALUES (1, 10) ON CONFLICT (id) DO UPDATE SET epoch = i.epoch + excluded.epoch";
	await a.client.query(`BEGIN; ${add}`);
	const waiting = b.client.query(add);
	await untilBlocked(looker, b.pid);
	await a.client.query("COMMIT");
	await waiting;
	t.same((await looker.query("SELECT epoch FROM it WHERE id = 1")).rows, [{ epoch: 21 }]);
});
