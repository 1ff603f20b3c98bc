/**
 * Partitions that are kept, lost, and lost and regained, while the engine has a set in COMMIT, one frozen behind it and
 * one open. The COMMIT is held from outside; other engines join and leave meanwhile.
 */
import type pg from "pg";
import t from "tap";
import type { EngineProcess } from "../support/engine-process.ts";
import { PATIENT_SESSION, setTheStage } from "../support/fault-setting.ts";
import { type HeldStep, holdStep, prepareHolds } from "../support/hold-step.ts";
import { untilCaughtUp, untilShared } from "../support/partitions.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 4;

t.jobs = 2;

t.test(
	"of what is in COMMIT, frozen and open, kept partitions lose nothing, and lost ones go to their heir",
	async (t) => {
		const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 800 });
		await prepareHolds(stage.client);
		const engine = await stage.start({
			label: "engine",
			env: { ...PATIENT_SESSION, FLUSH_INTERVAL_MS: "100" },
		});
		await untilShared([engine], PARTITIONS);
		const epochs = await epochsOf(stage.client);

		const held = await threeSets(stage.client, engine);
		const heir = await stage.start({ label: "heir", env: PATIENT_SESSION });
		const kept = await waitUntil(async () => {
			const { partitions } = await engine.status();
			return partitions.length === PARTITIONS / 2 && partitions.map(({ partition }) => partition);
		});
		await waitUntil(async () => {
			const { partitions } = await heir.status();
			return partitions.length === PARTITIONS / 2 && partitions.every(({ state }) => state === "claiming");
		});
		t.equal((await heir.get("/readyz")).status, 503, "who waits for the rows is not ready");
		await held.release();
		await untilShared([engine, heir], PARTITIONS);
		await heir.ready();

		await stage.expectExact();
		const { totals } = await engine.status();
		t.equal(totals.recoveries, 0, "nobody was fenced: what was lost left the sets in time");
		const after = await epochsOf(stage.client);
		for (const partition of kept)
			t.equal(after.get(partition), epochs.get(partition), "a kept one is not claimed again");
		for (const [partition, epoch] of epochs)
			if (!kept.includes(partition))
				t.equal(after.get(partition), epoch + 1, "a lost one is claimed once, by its heir");
		for (const one of [engine, heir]) t.same(await one.stop(), { code: 0, signal: null });
	},
);

t.test(
	"partitions lost and regained while their set is in COMMIT are asked of Postgres, not of memory",
	async (t) => {
		const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 800 });
		await prepareHolds(stage.client);
		const engine = await stage.start({
			label: "engine",
			env: { ...PATIENT_SESSION, FLUSH_INTERVAL_MS: "100" },
		});
		await untilShared([engine], PARTITIONS);
		const epochs = await epochsOf(stage.client);

		const held = await threeSets(stage.client, engine);
		const guest = await stage.start({ label: "guest", env: PATIENT_SESSION });
		const has = (wanted: number) =>
			waitUntil(async () => (await engine.status()).partitions.length === wanted, {
				what: `${wanted} partitions`,
			});
		await has(PARTITIONS / 2);
		t.same(await guest.stop(), { code: 0, signal: null }, "who has nothing yet leaves in peace");
		await has(PARTITIONS);
		await waitUntil(
			async () => {
				const states = (await engine.status()).partitions.map(({ state }) => state).sort();
				return states.join() === "claiming,claiming,running,running";
			},
			{ what: "a claim of what it got back, behind its own COMMIT" },
		);
		t.ok((await engine.status()).sets.committing !== null, "which is still under way");
		await held.release();
		await untilShared([engine], PARTITIONS);
		await untilCaughtUp(engine);
		await engine.ready();

		await stage.expectExact();
		t.equal((await engine.status()).totals.recoveries, 0, "and nothing had to be dropped for it");
		const after = await epochsOf(stage.client);
		const raised = [...epochs].filter(([partition, epoch]) => after.get(partition) !== epoch);
		t.equal(raised.length, PARTITIONS / 2, "half was claimed anew");
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);

/** One set in COMMIT that moves every partition, one frozen behind it, one open. */
async function threeSets(client: pg.Client, engine: EngineProcess): Promise<HeldStep> {
	let held = await holdEngine(client, engine);
	// Rows of partitions that brought nothing to this set are free, and nobody would have to wait for them.
	while ((await client.query("SELECT FROM source_offsets FOR UPDATE SKIP LOCKED")).rows.length > 0) {
		await held.release();
		held = await holdEngine(client, engine);
	}
	await waitUntil(
		async () => {
			const { committing, waiting, open } = (await engine.status()).sets;
			return committing !== null && waiting !== null && open !== null;
		},
		{ what: "three sets at once" },
	);
	return held;
}

async function holdEngine(client: pg.Client, { pid }: EngineProcess): Promise<HeldStep> {
	const held = await holdStep(client, "COMMIT", pid);
	await held.reached();
	return held;
}

async function epochsOf(client: pg.Client): Promise<ReadonlyMap<number, number>> {
	const { rows } = await client.query<{ partition: number; epoch: number }>(
		"SELECT kafka_partition AS partition, epoch::int FROM source_offsets",
	);
	return new Map(rows.map(({ partition, epoch }) => [partition, epoch]));
}
