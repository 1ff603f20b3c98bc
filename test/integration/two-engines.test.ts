import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import t from "tap";
import type { EngineProcess } from "../support/engine-process.ts";
import { setTheStage } from "../support/fault-setting.ts";
import { runningPartitions, untilShared } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 6;

t.test(
	"engines of different sizes share the partitions, and take over when one joins, dies or stops",
	async (t) => {
		const stage = await setTheStage(t, { partitions: PARTITIONS });
		const small = await stage.start({ label: "small", env: { ACTORS: "1", FLUSH_ROWS_MAX: "3" } });
		const large = await stage.start({ label: "large", env: { ACTORS: "4", FLUSH_ROWS_MAX: "20000" } });
		await untilShared([small, large], PARTITIONS);
		const third = await stage.start({ label: "third", env: { ACTORS: "2", FLUSH_ROWS_MAX: "100" } });
		await untilShared([small, large, third], PARTITIONS);
		for (const engine of [small, large, third]) {
			await waitUntil(async () => (await engine.status()).totals.stored > 0, { what: "a share of the work" });
		}

		large.kill("SIGKILL");
		await large.exited;
		await untilShared([small, third], PARTITIONS);
		t.same(await small.stop(), { code: 0, signal: null });
		await untilShared([third], PARTITIONS);

		await stage.expectExact();
		t.same(await third.stop(), { code: 0, signal: null });
	},
);

t.test("an engine frozen for longer than its session is fenced when it wakes, and joins again", async (t) => {
	const stage = await setTheStage(t, { partitions: 4 });
	// A set is open nearly always, so that the sleeper wakes with one that is overdue, and writes it first of all.
	const sleeper = await stage.start({ label: "sleeper", env: { FLUSH_INTERVAL_MS: "1000" } });
	await untilShared([sleeper], 4);
	await waitUntil(async () => (await sleeper.status()).totals.stored > 0, { what: "its first commit" });
	const other = await stage.start({ label: "other" });
	await untilShared([sleeper, other], 4);

	await freezeBetweenCommits(sleeper, stage.client);
	await untilShared([other], 4);
	const before = await countedIn(stage.client);
	await waitUntil(async () => (await countedIn(stage.client)) > before, { what: "work going on" });
	sleeper.kill("SIGCONT");
	await untilShared([sleeper, other], 4);

	await stage.expectExact();
	t.ok(
		sleeper.log.find(({ reason }) => reason === "fenced"),
		"its set was refused by the offset rows",
	);
	for (const engine of [sleeper, other]) t.same(await engine.stop(), { code: 0, signal: null });
});

t.test("an engine frozen in mid-transaction keeps nobody from its partitions", async (t) => {
	const stage = await setTheStage(t, { partitions: 2 });
	const frozen = await stage.start({ label: "frozen" });
	await untilShared([frozen], 2);
	// It now holds its offset rows, and waits for the table of hours: the moment to freeze it.
	await stage.client.query("BEGIN; LOCK TABLE hourly_totals IN SHARE MODE");
	await waitUntil(async () => {
		const { rows } = await stage.client.query(
			"SELECT FROM pg_locks WHERE relation = 'hourly_totals'::regclass AND NOT granted",
		);
		return rows.length > 0;
	});
	frozen.kill("SIGSTOP");
	await stage.client.query("COMMIT");
	// Its statement ends on the server; the transaction stays open with nobody to end it.
	await sleep(100);

	const heir = await stage.start({ label: "heir" });
	const before = await countedIn(stage.client);
	await untilShared([heir], 2, { deadlineMs: 45_000 });
	await waitUntil(async () => (await countedIn(stage.client)) > before, { what: "work going on" });
	frozen.kill("SIGCONT");
	await waitUntil(
		async () => (await runningPartitions(frozen)).length + (await runningPartitions(heir)).length === 2,
	);
	await stage.expectExact();
});

/** Frozen in a transaction, it would find its connection gone when it wakes, and never be fenced. */
async function freezeBetweenCommits(engine: EngineProcess, client: pg.Client): Promise<void> {
	const WRITING = `SELECT FROM pg_stat_activity
		WHERE application_name LIKE 'lottery-engine writer %' AND datname = current_database() AND state <> 'idle'`;
	await waitUntil(
		async () => {
			const { open, waiting, committing } = (await engine.status()).sets;
			if (open === null || waiting !== null || committing !== null) return false;
			engine.kill("SIGSTOP");
			if ((await client.query(WRITING)).rowCount === 0) return true;
			engine.kill("SIGCONT");
			return false;
		},
		{ what: "an open set, and none that is written", everyMs: 5 },
	);
}
