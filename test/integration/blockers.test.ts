/** Who is terminated when a lock is waited for too long: the frozen engine at the end of the chain, and nobody in between. */
import t from "tap";
import { LOCK_WAIT_MS_MAX, terminateBlockers } from "../../engine/sink/blockers.ts";
import { session, stage, untilBlocked } from "../support/postgres-sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test(
	"a frozen engine is found behind an operator who waits for it and holds what we wait for",
	async (t) => {
		const { database, looker, a: frozen, b: operator } = await stage(t);
		const claimer = await session(t, database);
		await frozen.client.query("SET application_name = 'lottery-engine writer frozen'");
		await frozen.client.query("BEGIN; SELECT FROM it WHERE id = 2 FOR UPDATE");
		await operator.client.query("BEGIN; SELECT FROM it WHERE id = 1 FOR UPDATE");
		const erasing = operator.client.query("SELECT FROM it WHERE id = 2 FOR UPDATE");
		await untilBlocked(looker, operator.pid);
		const claiming = claimer.client.query("SELECT FROM it WHERE id = 1 FOR UPDATE");
		t.same((await untilBlocked(looker, claimer.pid)).blockers, [operator.pid]);

		await terminateBlockers(looker, claimer.pid);
		t.ok(await isThere(frozen.pid), "not before its time");
		await waitUntil(
			async () => {
				await terminateBlockers(looker, claimer.pid);
				return !(await isThere(frozen.pid));
			},
			{ what: `the end of the frozen engine's backend, ${LOCK_WAIT_MS_MAX} ms after the wait began` },
		);
		t.equal((await erasing).rowCount, 1, "the operator goes on");
		await operator.client.query("COMMIT");
		t.equal((await claiming).rowCount, 1, "and so do we");
		await t.rejects(frozen.client.query("COMMIT"), "the frozen one has nothing left to commit");

		async function isThere(pid: number): Promise<boolean> {
			return (await looker.query("SELECT FROM pg_stat_activity WHERE pid = $1", [pid])).rowCount === 1;
		}
	},
);
