/** Engines that are killed (SIGKILL): in each step of their transactions, and in a loop under load, several at once. */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { type EngineProcess, spawnEngine } from "../support/engine-process.ts";
import { SHORT_SESSION, setTheStage } from "../support/fault-setting.ts";
import { holdStep, prepareHolds, type Step } from "../support/hold-step.ts";
import { untilCaughtUp, untilShared } from "../support/partitions.ts";
import { lookAtSnapshot } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

const STEPS: readonly Step[] = [
	"claim",
	"move offsets",
	"COPY events",
	"users",
	"sessions",
	"hours",
	"COMMIT",
];

/** The loop: so many engines in one group, one of them killed and started again so often, at random moments. */
const ENGINES = 3;
const PARTITIONS = 6;
const KILLS = 10;
const BETWEEN_KILLS_MS_MAX = 1_500;

// Both wait for others most of the time.
t.jobs = 2;

const TERMINATE_WRITERS = `
	SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE datname = current_database() AND application_name LIKE 'lottery-engine writer %'`;

t.test(
	"an engine killed in any step leaves a transaction that is done or undone, and nothing in between",
	async (t) => {
		const stage = await setTheStage(t, { partitions: 2, perSecond: 500 });
		await prepareHolds(stage.client);
		let heirs = 0;
		// A group of its own each: nobody waits for a dead member.
		const start = () =>
			stage.start({
				label: `heir ${++heirs}`,
				groupId: `${stage.topic.name}-${heirs}`,
				env: { ACTORS: "1" },
			});

		let engine = await start();
		for (const step of STEPS) {
			await untilCaughtUp(engine);
			const held = await holdStep(stage.client, step, engine.pid);
			// A connection that is lost makes it claim anew.
			if (step === "claim") await stage.client.query(TERMINATE_WRITERS);
			await held.reached();
			engine.kill("SIGKILL");
			await engine.exited;
			engine = await start();
			// It asks for the rows that the dead one's transaction has locked. Where it started slowly, Postgres has found out
			// by itself that nobody is there any more, and it has them already.
			await waitUntil(
				async () =>
					(await engine.status()).partitions.some(({ state }) => ["claiming", "running"].includes(state)),
				{ what: "the claim of the next" },
			);
			await held.release();
		}
		await untilCaughtUp(engine);
		await engine.ready();
		const { claims } = await stage.expectExact();
		t.ok(claims >= STEPS.length, `${claims} claims`);
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);

t.test("engines of one group, killed in a loop at random moments, lose and repeat nothing", async (t) => {
	const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 1_000 });
	const { topic, database, random, client } = stage;
	let started = 0;
	const spawn = (): EngineProcess =>
		spawnEngine(t, {
			topic,
			database,
			label: `engine ${++started}`,
			env: {
				...SHORT_SESSION,
				ACTORS: "1",
				FLUSH_ROWS_MAX: String(random.pick([5, 300, 20_000])),
				FLUSH_INTERVAL_MS: "50",
			},
		});
	const engines = Array.from({ length: ENGINES }, spawn);
	for (let kill = 0; kill < KILLS; kill++) {
		await sleep(random.below(BETWEEN_KILLS_MS_MAX));
		const victim = random.below(ENGINES);
		engines[victim]!.kill("SIGKILL");
		t.same(
			await engines[victim]!.exited,
			{ code: null, signal: "SIGKILL" },
			`kill ${kill}, not an exit of its own`,
		);
		engines[victim] = spawn();
		t.same((await lookAtSnapshot(client)).violations, [], `what is stored holds together after kill ${kill}`);
	}
	await untilShared(engines, PARTITIONS);
	for (const engine of engines) await engine.ready();
	await stage.expectExact();
	for (const engine of engines) t.same(await engine.stop(), { code: 0, signal: null });
});
