import t from "tap";
import { BUSY_INTERVAL_MS_MIN, createBusyRatios } from "../../monitoring/busy-ratio.ts";
import { actorStatus, NOW_MS } from "../support/engine-status.ts";

t.test("the first reading is the share since the thread started", async (t) => {
	const ratios = createBusyRatios();
	const actor = actorStatus(0, { busyMs: 2500, startedAtMs: NOW_MS - 10_000 });
	t.equal(ratios([actor], NOW_MS).get(0), 0.25);
});

t.test("later readings are the share since the one before", async (t) => {
	const ratios = createBusyRatios();
	ratios([actorStatus(0, { busyMs: 9000, startedAtMs: NOW_MS - 10_000 })], NOW_MS);
	const next = actorStatus(0, { busyMs: 9500, startedAtMs: NOW_MS - 10_000 });
	t.equal(ratios([next], NOW_MS + 5000).get(0), 0.1);
});

t.test("a restarted thread begins anew, at its own start", async (t) => {
	for (const busyMs of [100, 9000]) {
		const ratios = createBusyRatios();
		ratios([actorStatus(0, { busyMs, startedAtMs: NOW_MS - 10_000 })], NOW_MS);
		const restarted = actorStatus(0, { busyMs: 1500, startedAtMs: NOW_MS + 1000 });
		t.equal(ratios([restarted], NOW_MS + 4000).get(0), 0.5, `after ${busyMs} ms in the life before`);
	}
});

t.test("a second scraper right behind the first sees the same ratio and spoils none", async (t) => {
	const ratios = createBusyRatios();
	const at = (busyMs: number, nowMs: number) => ratios([actorStatus(0, { busyMs })], nowMs).get(0);
	t.equal(at(5000, NOW_MS + 10_000), 0.5);
	t.equal(at(5001, NOW_MS + 10_000 + BUSY_INTERVAL_MS_MIN - 1), 0.5);
	t.equal(at(13_000, NOW_MS + 20_000), 0.8, "the interval still begins at the first scrape");
});

t.test("a fold longer than the interval, or a clock set back, stays between 0 and 1", async (t) => {
	const ratios = createBusyRatios();
	const at = (busyMs: number, nowMs: number) => ratios([actorStatus(0, { busyMs })], nowMs).get(0);
	t.equal(at(0, NOW_MS + 10_000), 0);
	t.equal(at(30_000, NOW_MS + 20_000), 1);
	t.equal(at(30_500, NOW_MS - 60_000), 1, "repeats the last one");
	t.equal(at(30_500, NOW_MS + 30_000), 0.05);
	t.equal(createBusyRatios()([actorStatus(0, { busyMs: 5 })], NOW_MS).get(0), 0, "no time has passed");
});

t.test("an actor that is gone is forgotten", async (t) => {
	const ratios = createBusyRatios();
	ratios([actorStatus(0), actorStatus(1)], NOW_MS + 5000);
	t.strictSame([...ratios([actorStatus(1)], NOW_MS + 10_000).keys()], [1]);
});
