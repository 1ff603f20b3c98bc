/** The connections behind the store: what is lost while nothing uses it must be told, once, and in the server's words. */
import pg from "pg";
import type { Test } from "tap";
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { PostgresStore } from "../../engine/sink/writer.ts";
import { createDatabase } from "../support/database.ts";
import { waitUntil } from "../support/wait-until.ts";

const IDENTITY = { clusterId: "a-cluster", topic: "a-topic", owner: "an-owner" };
const LOWS = new Map([[0, 0]]);

async function openStore(t: Test) {
	const { settings, client } = await createDatabase(t);
	await migrate(settings);
	const store = new PostgresStore(settings, IDENTITY);
	t.teardown(() => store.close());
	const losses: Error[] = [];
	store.onLost = (error) => losses.push(error);
	const pids = async (lane: string): Promise<number[]> => {
		const { rows } = await client.query<{ pid: number }>(
			`SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'lottery-engine ' || $1 || ' %'`,
			[lane],
		);
		return rows.map(({ pid }) => pid);
	};
	const terminate = async (lane: string): Promise<void> => {
		const [pid] = await pids(lane);
		await client.query("SELECT pg_terminate_backend($1)", [pid]);
		await waitUntil(async () => !(await pids(lane)).includes(pid!), { what: `the end of the ${lane}` });
	};
	return { settings, store, client, losses, pids, terminate };
}

t.test("an idle connection that is lost is told once, and not replaced in silence", async (t) => {
	const { store, losses, terminate } = await openStore(t);
	await store.claim(LOWS);
	await terminate("claimer");
	await waitUntil(() => losses.length > 0, { what: "the news of it" });
	t.match(losses, [{ code: "57P01", message: /terminating connection/ }]);
	await t.rejects(store.claim(LOWS), { code: "57P01" }, "whoever goes on all the same hears of it, too");
	store.reset();
	t.match(await store.claim(LOWS), [{ partition: 0, epoch: 2 }], "after a reset there is a new one");
	t.equal(losses.length, 1);
});

t.test("a connection that is lost under way is told by the work, and only by it", async (t) => {
	const { settings, store, client, losses, pids, terminate } = await openStore(t);
	await store.claim(LOWS);
	// Somebody else: within a transaction pg_stat_activity shows what it showed first.
	const neighbour = new pg.Client(settings);
	await neighbour.connect();
	t.teardown(() => neighbour.end());
	await neighbour.query("BEGIN; SELECT FROM source_offsets FOR UPDATE");
	const claimed = store.claim(LOWS).catch((error: unknown) => error);
	await waitUntil(async () => {
		const { rowCount } = await client.query("SELECT FROM pg_locks WHERE pid = $1 AND NOT granted", [
			(await pids("claimer"))[0],
		]);
		return rowCount === 1;
	});
	await terminate("claimer");
	t.match(await claimed, { code: "57P01" });
	await neighbour.query("ROLLBACK");
	t.same(losses, []);
});

t.test("a connection that we throw away is no loss", async (t) => {
	const { store, losses, pids } = await openStore(t);
	await store.claim(LOWS);
	store.reset();
	await waitUntil(async () => (await pids("claimer")).length === 0, { what: "the end of the claimer" });
	// Its socket was closed before this question was asked.
	await store.ping();
	t.same(losses, []);
});

t.test("the probe judges the server, not a connection of its own that was lost", async (t) => {
	const { store, client, losses, pids, terminate } = await openStore(t);
	await store.ping();
	const before = await pids("probe");
	await terminate("probe");
	await waitUntil(() => store.ping().then(() => true));
	t.not((await pids("probe"))[0], before[0], "it asked over a new one");
	t.same(losses, [], "and nobody who writes was troubled");
	await client.query(
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
	);
	await terminate("probe");
	// The first question may still meet the end of the old connection.
	const answer = () => store.ping().then(String, ({ message }: Error) => message);
	await waitUntil(async () => /read-only/.test(await answer()), {
		what: "the truth about a server that is read-only",
	});
});
