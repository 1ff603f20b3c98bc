/**
 * A killed engine stays a member of its group until its session is over, and the group waits for it: a minute here.
 * Its successor knows from Postgres that it is dead, and does not wait. One that only sleeps is left alone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import t, { type Test } from "tap";
import { type EngineProcess, spawnEngine } from "../support/engine-process.ts";
import { type FaultSetting, setTheStage } from "../support/fault-setting.ts";
import { untilShared } from "../support/partitions.ts";
import { countedIn } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

const SESSION_MS = 120_000;
const LONG_SESSION = { KAFKA_SESSION_TIMEOUT_MS: String(SESSION_MS) };
/** Far less than without knowing, though the machine may be busy. The times are printed. */
const FIRST_COMMIT_MS_MAX = SESSION_MS / 2;
const PARTITIONS = 4;

/** Starts an engine and returns how long that took until it had committed something, in ms. */
async function startTimed(stage: FaultSetting, label: string): Promise<[engine: EngineProcess, ms: number]> {
	const before = await countedIn(stage.client);
	const startedMs = performance.now();
	const engine = await stage.start({ label, env: LONG_SESSION });
	await waitUntil(async () => (await countedIn(stage.client)) > before, {
		everyMs: 10,
		what: "a new commit",
	});
	return [engine, performance.now() - startedMs];
}

/** `start` would wait until the engine is in the group. */
function spawnUnjoined(t: Test, { topic, database }: FaultSetting, label: string): EngineProcess {
	return spawnEngine(t, { topic, database, label, env: LONG_SESSION });
}

interface MemberRow {
	readonly owner: string;
	readonly member: string;
	/** Its lock is held by a session. */
	readonly held: boolean;
}

async function membersIn(client: pg.Client): Promise<readonly MemberRow[]> {
	const { rows } = await client.query<MemberRow>(
		`SELECT owner, member_id AS member, EXISTS (
			SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
				AND (classid::bigint << 32) | objid::bigint = lock_key
		) AS held
		FROM engine_members ORDER BY joined_at`,
	);
	return rows;
}

t.test("after a kill -9 under load the next engine commits long before the session is over", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS });
	let [engine] = await startTimed(stage, "first");
	const times: number[] = [];
	for (let round = 1; round <= 4; round++) {
		engine.kill("SIGKILL");
		await engine.exited;
		const [next, ms] = await startTimed(stage, `round ${round}`);
		times.push(Math.round(ms));
		engine = next;
	}
	t.comment(`from the start of the process to the first new commit: ${times.join(", ")} ms`);
	t.ok(Math.max(...times) < FIRST_COMMIT_MS_MAX, `none waited for its predecessor (${times} ms)`);
	const told = engine.log.filter(({ msg }) => /^left the group in the name of /.test(msg));
	t.equal(told.length, 1, "one line says so");
	await stage.expectExact();
	t.equal((await membersIn(stage.client)).length, 1, "only the living one is a member");
	t.same(await engine.stop(), { code: 0, signal: null });
	t.same(await membersIn(stage.client), [], "who leaves in order is none any more");
});

t.test("an engine killed while it joins keeps nobody waiting either", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS });
	for (let round = 1; round <= 4; round++) {
		const engine = spawnUnjoined(t, stage, `joining ${round}`);
		await waitUntil(() => engine.log.some(({ msg }) => msg.startsWith("joining group")), { everyMs: 5 });
		await sleep(stage.random.below(400));
		engine.kill("SIGKILL");
		await engine.exited;
	}
	const [engine, ms] = await startTimed(stage, "last");
	t.ok(ms < FIRST_COMMIT_MS_MAX, `the last one committed after ${Math.round(ms)} ms`);
	await stage.expectExact();
	t.same(await engine.stop(), { code: 0, signal: null });
});

t.test("a frozen engine is not taken for dead, nor one whose connection was cut", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS });
	const [sleeper] = await startTimed(stage, "sleeper");
	const [before] = await membersIn(stage.client);
	const member = "FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ ' member '";
	const cut = await stage.client.query(`SELECT pid, pg_terminate_backend(pid) ${member}`);
	t.equal(cut.rowCount, 1);
	const others = `SELECT pid ${member} AND pid <> $1`;
	await waitUntil(async () => (await stage.client.query(others, [cut.rows[0].pid])).rowCount === 1, {
		what: "a connection again",
	});
	await waitUntil(async () => (await membersIn(stage.client))[0]?.held === true, { what: "its lock again" });

	sleeper.kill("SIGSTOP");
	const heir = spawnUnjoined(t, stage, "heir");
	await waitUntil(() => heir.log.some(({ msg }) => msg.startsWith("joining group")));
	// It looks for the dead four times a second for as long as it waits.
	await waitUntil(async () => (await membersIn(stage.client)).length === 2, { what: "the heir's name" });
	await sleep(2_000);
	const members = await membersIn(stage.client);
	t.same(members[0], { ...before, held: true }, "the sleeper is in the register as it was");
	const { groups } = await stage.topic.admin.describeGroups([stage.topic.name]);
	t.ok(
		groups[0]!.members.some(({ memberId }) => memberId === before!.member),
		"and in the group",
	);
	t.notOk(
		heir.log.some(({ msg }) => msg.startsWith("joined the group")),
		"the heir waits for it",
	);

	sleeper.kill("SIGCONT");
	await untilShared([sleeper, heir], PARTITIONS);
	t.notOk(
		heir.log.some(({ msg }) => /in the name of/.test(msg)),
		"nobody left in its name",
	);
	await stage.expectExact();
	for (const engine of [sleeper, heir]) t.same(await engine.stop(), { code: 0, signal: null });
});
