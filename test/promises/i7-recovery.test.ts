/** I7: after the last fault lag returns to 0 within 60 s, and no partition stays paused. */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { setTheStage } from "../support/fault-setting.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The promise. */
const BACK_WITHIN_MS = 60_000;

t.test(
	"after each fault, and after all of them at once, lag returns to 0 and nothing stays paused",
	async (t) => {
		const stage = await setTheStage(t, { partitions: 3, perSecond: 1_000 });
		const { client } = stage;
		const { settings } = stage.database;
		const proxy = await startProxy(t, settings.port);
		const start = (label: string) =>
			stage.start({ label, database: { settings: { ...settings, port: proxy.port } } });
		let engine = await start("first");

		const faults: Readonly<Record<string, () => Promise<void>>> = {
			"its connections to Postgres are terminated": async () => {
				for (let time = 0; time < 5; time++) {
					await client.query(
						`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid()`,
					);
					await sleep(stage.random.below(300));
				}
			},
			"its connections are cut": async () => {
				for (let time = 0; time < 5; time++) {
					proxy.cut();
					await sleep(stage.random.below(300));
				}
			},
			"Postgres is silent for a while": async () => {
				proxy.freeze();
				await sleep(4_000);
				proxy.thaw();
			},
			"somebody locks the tables for a while": async () => {
				await client.query("BEGIN; LOCK TABLE source_offsets, hourly_totals, events");
				await sleep(4_000);
				await client.query("COMMIT");
			},
			"it is frozen for longer than its session": async () => {
				engine.kill("SIGSTOP");
				await sleep(8_000);
				engine.kill("SIGCONT");
			},
			"it is killed, and started again in its group": async () => {
				engine.kill("SIGKILL");
				await engine.exited;
				engine = await start("second");
			},
		};
		const back = async (fault: string): Promise<void> => {
			const sinceMs = performance.now();
			const sent = stage.producer.sent;
			await untilCaughtUp(engine, {
				deadlineMs: BACK_WITHIN_MS,
				what: `no lag and no pause after: ${fault}`,
			});
			await engine.ready();
			t.ok(
				performance.now() - sinceMs < BACK_WITHIN_MS,
				`${Math.round(performance.now() - sinceMs)} ms after: ${fault}`,
			);
			// Not a moment between two pauses: what is sent from now on flows too.
			await waitUntil(() => stage.producer.sent > sent + 500);
			await untilCaughtUp(engine, { deadlineMs: BACK_WITHIN_MS });
		};
		await untilCaughtUp(engine);
		for (const [fault, happens] of Object.entries(faults)) {
			await happens();
			await back(fault);
		}
		await Promise.all(
			Object.entries(faults)
				.filter(([fault]) => !fault.startsWith("it is"))
				.map(([, happens]) => happens()),
		);
		await back("all of Postgres's at once");
		await stage.expectExact();
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);
