/** The group is rebalanced in the middle of claims and commits, again and again, under load. */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { EngineProcess } from "../support/engine-process.ts";
import { setTheStage } from "../support/fault-setting.ts";
import { watchFaults } from "../support/fault-watch.ts";
import { holdStep, prepareHolds } from "../support/hold-step.ts";
import { untilCaughtUp, untilShared } from "../support/partitions.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 6;
const VISITS = 4;
const VISIT_MS_MAX = 2_500;
/** Every third visitor dies; the group waits for its session. */
const KILLED_EVERY = 3;
/** Claims and commits are slow, so that joins meet them: up to this much for each row of an offset. */
const SLOW_MS = 60;

t.test(
	"engines that come and go at any moment meet claims and commits, and every record counts once",
	async (t) => {
		const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 600 });
		await stage.client.query(`
		CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM pg_sleep(random() * ${SLOW_MS / 1000});
			RETURN NEW;
		END $$;
		CREATE TRIGGER be_slow BEFORE UPDATE ON source_offsets FOR EACH ROW EXECUTE FUNCTION be_slow()`);
		const env = { FLUSH_INTERVAL_MS: "20" };
		const host = await stage.start({ label: "host", env });
		await untilShared([host], PARTITIONS);
		await host.ready();
		const watch = watchFaults(t, host, stage.database);

		const caught = { commits: 0, claims: 0 };
		for (let visit = 1; visit <= VISITS; visit++) {
			const guest = await stage.start({ label: `guest ${visit}`, env });
			await sleep(stage.random.below(VISIT_MS_MAX));
			// A third of the time a commit is under way; half of the visits end there for certain.
			if (visit % 2 === 0) await waitUntil(() => isCommitting(host), { what: "a commit", everyMs: 5 });
			const { sets, partitions } = await host.status();
			if (sets.committing !== null || visit % 2 === 0) caught.commits++;
			if (partitions.some(({ state }) => state === "claiming")) caught.claims++;
			guest.kill(visit % KILLED_EVERY === 0 ? "SIGKILL" : "SIGTERM");
			await guest.exited;
		}
		t.comment(`a commit was under way at ${caught.commits} of ${VISITS} ends, a claim at ${caught.claims}`);
		t.ok(caught.commits >= VISITS / 2, "every second end met a commit");

		await untilShared([host], PARTITIONS);
		await stage.expectExact();
		await expectSettled(host);
		await watch.expectWell();
		const joins = metricValue(await host.metrics(), "engine_rebalances_total");
		t.ok(joins > VISITS, `${joins} joins are counted`);
		t.equal(
			host.log.filter(({ msg }) => /^joined the group/.test(msg)).length,
			joins,
			"and each has its line",
		);
		t.same(await host.stop(), { code: 0, signal: null });
	},
);

t.test(
	"a claim that a rebalance overtakes counts for what is still ours, and for nothing else",
	async (t) => {
		const stage = await setTheStage(t, { partitions: PARTITIONS, perSecond: 800 });
		await prepareHolds(stage.client);
		const first = await stage.start({ label: "first" });
		await untilShared([first], PARTITIONS);
		const second = await stage.start({ label: "second" });
		await untilShared([first, second], PARTITIONS);

		// The second one gets everything, and stands in the claim of the half it did not have ...
		const held = await holdStep(stage.client, "claim", second.pid);
		t.same(await first.stop(), { code: 0, signal: null });
		await held.reached();
		const claiming = await statesOf(second, "claiming", PARTITIONS / 2);
		// ... while a third one joins. Of what it has, the second one keeps the first half: the one that it is claiming.
		const third = await stage.start({ label: "third" });
		await waitUntil(async () => (await second.status()).partitions.length === PARTITIONS / 2, {
			what: "the join that overtakes the claim",
		});
		const still = (await second.status()).partitions.map(({ partition }) => partition);
		t.same(still, claiming, "what is being claimed is still ours, by another assignment");
		await held.release();
		await untilShared([second, third], PARTITIONS);

		await stage.expectExact();
		for (const engine of [second, third]) {
			await expectSettled(engine);
			t.same(await engine.stop(), { code: 0, signal: null });
		}
	},
);

async function isCommitting(engine: EngineProcess): Promise<boolean> {
	return (await engine.status()).sets.committing !== null;
}

/** The partitions in this state, when there are so many. */
function statesOf(engine: EngineProcess, wanted: string, count: number): Promise<number[]> {
	return waitUntil(
		async () => {
			const { partitions } = await engine.status();
			const found = partitions.filter(({ state }) => state === wanted).map(({ partition }) => partition);
			return found.length === count && found;
		},
		{ what: `${count} partitions ${wanted}` },
	);
}

/** No lag, nothing paused, ready. */
async function expectSettled(engine: EngineProcess): Promise<void> {
	await untilCaughtUp(engine);
	await engine.ready();
}
