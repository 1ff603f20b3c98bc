/**
 * I3: hourly metrics equal a recomputation from `events`. That it holds in every snapshot under faults is in
 * snapshots.test.ts; here two engines meet over the same users and sessions, where a count is easily one too many.
 */
import t from "tap";
import { setTheStage } from "../support/fault-setting.ts";
import { untilShared } from "../support/partitions.ts";
import { lookAtSnapshot } from "../support/snapshot.ts";
import { stream } from "../support/stream.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Of each engine: every user of the hour many times. */
const ENOUGH = 2_000;

t.test("users and sessions that two engines see at once are counted once an hour", async (t) => {
	const stage = await setTheStage(t, {
		partitions: 4,
		perSecond: 500,
		// Few users in one hour, and no message where its user's others are: every set of each engine holds all of them.
		messages: (seed) =>
			stream(seed, 60_000, { users: 40, hours: 1, lateRatio: 0 }).map((message, i) => ({
				...message,
				key: Buffer.from(`${i}`),
			})),
	});
	const env = { FLUSH_INTERVAL_MS: "10", FLUSH_ROWS_MAX: "50" };
	const engines = [
		await stage.start({ label: "one", env: { ...env, ACTORS: "1" } }),
		await stage.start({ label: "two", env: { ...env, ACTORS: "3" } }),
	];
	await untilShared(engines, 4);
	const storedBy = () => Promise.all(engines.map(async (engine) => (await engine.status()).totals.stored));
	await waitUntil(async () => (await storedBy()).every((stored) => stored > ENOUGH), {
		what: "work of both",
	});
	await stage.expectExact();
	t.same((await lookAtSnapshot(stage.client)).violations, []);
	for (const engine of engines) {
		const { totals } = await engine.status();
		t.comment(`one of them has stored ${totals.stored}`);
		t.equal(totals.recoveries, 0, "and no lock of theirs has met in a deadlock");
	}
});
