/** Other people in the same database: who attaches a day in mid-COPY, locks in another order, cancels, or forgets to close. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Test } from "tap";
import t from "tap";
import { expectExact } from "../support/expect-exact.ts";
import { type FaultOptions, setTheStage } from "../support/fault-setting.ts";
import { watchFaults } from "../support/fault-watch.ts";
import { holdStep, prepareHolds } from "../support/hold-step.ts";
import { readOffsetHistory } from "../support/offset-history.ts";
import { countedIn } from "../support/snapshot.ts";
import { type StreamMessage, startProducer, stream } from "../support/stream.ts";
import { waitUntil } from "../support/wait-until.ts";

const PER_SECOND = 200;

t.jobs = 2;

/** Longer than an engine lets another engine hold a lock (engine/sink/blockers.ts). */
const COFFEE_MS = 7_000;
/** What `/readyz` may say of it, on a machine that is slow besides (engine/status.ts). */
const SLOW_FLUSH = /a flush has not ended for \d+ s/;
/** A day that no side job makes a partition for: a month after the stream's first. */
const NEW_DAY = "2025-07-01";
const NEW_DAY_SECONDS = Date.UTC(2025, 6, 1, 12) / 1000;

/** Waits in every COPY that holds the new day, for a lock that the test has. */
const HOLD_THE_NEW_DAY = `
	CREATE FUNCTION hold_new_day() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		-- The offsets are moved before the COPY, in the same transaction.
		IF EXISTS (SELECT FROM source_offsets WHERE newest_event_time >= '${NEW_DAY}Z') THEN
			PERFORM pg_advisory_xact_lock_shared(7002, 1);
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER hold_new_day BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION hold_new_day()`;

t.test(
	"a day that is attached in mid-COPY costs a recovery, and readers and lockers cost nothing",
	async (t) => {
		let firstDay: readonly StreamMessage[] = [];
		let newDay: readonly StreamMessage[] = [];
		const { stage, engine, watch, neighbour } = await openScene(t, {
			messages: (seed) => {
				newDay = stream(seed + 1, PER_SECOND * 120, { startSeconds: NEW_DAY_SECONDS });
				firstDay = stream(seed, PER_SECOND * 120);
				return firstDay;
			},
			prepare: async (client) => {
				await client.query(HOLD_THE_NEW_DAY);
				await client.query("SELECT pg_advisory_lock(7002, 1)");
			},
		});
		const { client, topic } = stage;
		// Only now: a first commit that holds the new day would be held, too.
		const producer = startProducer(t, topic, newDay, PER_SECOND);

		await watch.recoversFrom(
			"a day that somebody attaches in mid-COPY",
			async () => {
				const waits = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 7002
					AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
				await waitUntil(async () => (await client.query(waits)).rowCount === 1, {
					what: "a COPY of the new day",
				});
				await client.query(
					`CREATE TABLE somebodys_day (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
				ALTER TABLE events ATTACH PARTITION somebodys_day
					FOR VALUES FROM ('${NEW_DAY}Z') TO (timestamptz '${NEW_DAY}Z' + interval '1 day')`,
				);
				await client.query("SELECT pg_advisory_unlock(7002, 1)");
			},
			{ reason: "flush_failed", says: /"events_default" violates partition constraint/ },
		);
		const { rows: routed } = await client.query("SELECT count(*)::int AS rows FROM somebodys_day");
		t.ok(routed[0].rows > 0, `${routed[0].rows} rows went into the day afterwards`);

		await watch.staysWell("an analyst's transaction that stays open", async () => {
			await neighbour.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
			const before = await countedIn(neighbour);
			const hours = "SELECT * FROM hourly_business_metrics ORDER BY hour";
			const seen = (await neighbour.query(hours)).rows;
			await waitUntil(async () => (await countedIn(client)) > before + PER_SECOND * 2, {
				what: "work going on beside it",
			});
			await waitUntil(async () => ((await engine.status()).postgres.oldestSnapshotSeconds ?? 0) > 1, {
				what: "a status that tells of the old snapshot",
			});
			const [sample] = (await engine.metrics()).get("engine_postgres_oldest_snapshot_seconds")?.samples ?? [];
			t.ok(sample !== undefined && sample.value > 1, `and a metric: ${sample?.value} s`);
			t.equal(await countedIn(neighbour), before, "the analyst goes on seeing one moment");
			t.same((await neighbour.query(hours)).rows, seen, "and its hours");
			await neighbour.query("COMMIT");
		});

		const coffee = async (): Promise<void> => {
			await neighbour.query("BEGIN; LOCK TABLE hourly_totals");
			await sleep(COFFEE_MS);
			// It would be gone if the engine took everybody for a frozen engine.
			await neighbour.query("COMMIT");
		};
		await watch.staysWell("somebody who locks the hours and goes for a coffee", coffee, SLOW_FLUSH);

		const sent = [
			...firstDay.slice(0, await stage.producer.stop()),
			...newDay.slice(0, await producer.stop()),
		];
		await expectExact(t, client, topic, sent);
		await watch.expectWell();
		t.same((await readOffsetHistory(client)).problems, [], "I1 holds");
		t.same(await engine.stop(), { code: 0, signal: null }, "the process is the one that was started");
	},
);

t.test("a deadlock and a statement that is cancelled cost a recovery each", async (t) => {
	const { stage, engine, watch, neighbour, end } = await openScene(t);
	const { client } = stage;
	await watch.recoversFrom(
		"a deadlock with somebody who locks in another order",
		async () => {
			// The engine is the last to wait, and therefore the one whose check finds the circle.
			await neighbour.query("SET deadlock_timeout = '1h'");
			// Held before the hours are locked: a flush that waits for those would never come to be held.
			const held = await holdStep(client, "users", engine.pid);
			await held.reached();
			await neighbour.query("BEGIN; SELECT FROM hourly_totals FOR UPDATE");
			const locked = neighbour.query("SELECT FROM source_offsets FOR UPDATE");
			await waitUntil(
				async () => {
					const { rowCount } = await client.query(
						`SELECT FROM pg_stat_activity WHERE datname = current_database()
							AND application_name = 'neighbour' AND wait_event_type = 'Lock'`,
					);
					return rowCount === 1;
				},
				{ what: "the neighbour waiting" },
			);
			await held.release();
			await locked;
			await neighbour.query("ROLLBACK");
		},
		{ reason: "flush_failed", says: /deadlock detected/ },
	);

	await watch.recoversFrom(
		"a statement that an administrator cancels",
		async () => {
			const held = await holdStep(client, "users", engine.pid);
			await held.reached();
			await client.query(
				`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name LIKE 'lottery-engine writer %'`,
			);
			await held.release();
		},
		{ reason: "flush_failed", says: /canceling statement due to user request/ },
	);

	await end();
});

async function openScene(
	t: Test,
	options: { messages?: FaultOptions["messages"]; prepare?: (client: pg.Client) => Promise<void> } = {},
) {
	const { messages, prepare } = options;
	const stage = await setTheStage(t, {
		partitions: 2,
		perSecond: PER_SECOND,
		...(messages === undefined ? {} : { messages }),
	});
	await prepareHolds(stage.client);
	await prepare?.(stage.client);
	const engine = await stage.start({ env: { ACTORS: "1" } });
	await engine.ready();
	await waitUntil(async () => (await engine.status()).flush.commits > 0, { what: "its first commit" });
	const watch = watchFaults(t, engine, stage.database);
	const neighbour = new pg.Client({ ...stage.database.settings, application_name: "neighbour" });
	await neighbour.connect();
	t.teardown(() => neighbour.end());
	return {
		stage,
		engine,
		watch,
		neighbour,
		async end() {
			await stage.expectExact();
			await watch.expectWell();
			t.same(await engine.stop(), { code: 0, signal: null }, "the process is the one that was started");
		},
	};
}
