/**
 * The wall clock jumps by a day, forward and back, in an engine that runs: on its main thread and in its actors. Nothing
 * that is stored may depend on it, nobody may be fenced or lose partitions for it, and lag must stay believable.
 */
import type pg from "pg";
import t from "tap";
import { SHIFTS_MS } from "../support/clock-jump.ts";
import type { EngineProcess } from "../support/engine-process.ts";
import { PATIENT_SESSION, setTheStage } from "../support/fault-setting.ts";
import { untilCaughtUp, untilShared } from "../support/partitions.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 4;
const PRELOAD = new URL("../support/clock-jump.js", import.meta.url).href;
/** A lag in seconds may be wrong by the jump for what was under way in it, and for nothing that came later. */
const LAG_SECONDS_MAX = 600;

t.test("a wall clock that jumps by a day, forward and back, changes nothing", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 800 });
	const jumper = await stage.start({
		label: "jumper",
		env: { NODE_OPTIONS: `--import=${PRELOAD}`, CLOCK_JUMP: "1", ...PATIENT_SESSION, ACTORS: "1" },
	});
	const other = await stage.start({ label: "other", env: { ...PATIENT_SESSION, ACTORS: "1" } });
	await untilShared([jumper, other], PARTITIONS);
	const rebalances = async () =>
		Promise.all([jumper, other].map(async (engine) => (await engine.status()).totals.rebalances));
	const before = await rebalances();

	for (const shiftMs of SHIFTS_MS) {
		jumper.kill("SIGUSR2");
		await waitUntil(async () => Math.abs((await skewMs(jumper)) - shiftMs) < 60_000, {
			what: `commits under a clock that is ${shiftMs / 3_600_000} h off`,
		});
		const { recoveries } = (await jumper.status()).totals;
		await loseConnections(stage.client, jumper);
		await waitUntil(async () => (await jumper.status()).totals.recoveries > recoveries, {
			what: "a recovery, which waits for heartbeats",
		});
		await untilShared([jumper, other], PARTITIONS);
		await untilCaughtUp(jumper);
		await jumper.ready();
		const lags = (await jumper.status()).partitions.map(({ lagSeconds }) => lagSeconds ?? -1);
		t.ok(
			lags.every((lag) => lag >= 0 && lag < LAG_SECONDS_MAX),
			`lag is believable ${shiftMs / 3_600_000} h off: ${lags} s`,
		);
	}
	t.same(await rebalances(), before, "nobody lost a partition");
	await stage.expectExact();
	for (const engine of [jumper, other]) {
		t.notOk(
			engine.log.find(({ reason }) => reason === "fenced"),
			"and nobody was fenced",
		);
		t.same(await engine.stop(), { code: 0, signal: null });
	}
});

/** A recovery needs the group, the database and the timers. */
async function loseConnections(client: pg.Client, { pid }: EngineProcess): Promise<void> {
	await client.query(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND position($1 IN application_name) > 0`,
		[`:${pid}:`],
	);
}

/** How far the engine's clock is from ours, as of its last commit. */
async function skewMs(engine: EngineProcess): Promise<number> {
	const { lastCommitAtMs } = (await engine.status()).flush;
	return (lastCommitAtMs ?? Number.NaN) - Date.now();
}
