import t from "tap";
import type { Business, Signal } from "../../monitoring/live.ts";
import { LiveSamples, sampleOf } from "../../monitoring/live-samples.ts";
import { LiveSignals } from "../../monitoring/live-signals.ts";
import type { EngineStatus } from "../../monitoring/status.ts";
import { ALERTS, type AlertName } from "../../monitoring/thresholds.ts";
import { actorStatus, engineStatus, NOW_MS, partitionStatus } from "../support/engine-status.ts";
import { business, hourMetrics } from "../support/live-page.ts";

const TOTALS = engineStatus().totals;

/** Looks once a second, as the feed does; `statusAt` and `businessAt` are given the seconds that have passed. */
function watch(
	seconds: number,
	statusAt: (second: number) => Partial<EngineStatus>,
	businessAt: (second: number) => Business = () => business(),
	startMs = NOW_MS,
) {
	const samples = new LiveSamples();
	const signals = new LiveSignals();
	let last: readonly Signal[] = [];
	for (let second = 0; second <= seconds; second++) {
		const nowMs = startMs + second * 1000;
		const partitions = [partitionStatus(0, { watermarksAtMs: nowMs - 1000 })];
		const status = engineStatus({ partitions, ...statusAt(second) });
		samples.add(sampleOf(status, nowMs));
		last = signals.look({ nowMs, status, samples, business: businessAt(second) });
	}
	return (name: AlertName): Signal => last.find(({ alert }) => alert === name)!;
}

t.test("all is well with a status in which all is well", async (t) => {
	const signal = watch(5, (second) => ({ totals: { ...TOTALS, consumed: 100 * second } }));
	const names = (Object.keys(ALERTS) as AlertName[]).filter(
		(name) => name !== "EngineDown" && name !== "EngineInstanceDown",
	);
	for (const name of names) t.match(signal(name), { state: "ok", sinceMs: null }, name);
});

t.test("each runbook that is named is there", async (t) => {
	const { existsSync } = await import("node:fs");
	const { packageRoot } = await import("../../schema/package-root.ts");
	const signal = watch(0, () => ({}));
	for (const name of Object.keys(ALERTS) as AlertName[]) {
		const found = signal(name);
		if (found !== undefined) t.ok(existsSync(`${packageRoot()}/${found.runbook}`), found.runbook);
	}
});

t.test(
	"a condition is pending first and fires after the time of its alert, and one good look resets it",
	async (t) => {
		const notReady =
			(from: number, until = Number.POSITIVE_INFINITY) =>
			(second: number) =>
				second >= from && second < until ? { notReady: ["Postgres does not take writes: gone"] } : {};
		const { forSeconds } = ALERTS.EngineNotReady;
		t.match(watch(9, notReady(10))("EngineNotReady"), { state: "ok", value: 1 });
		t.match(watch(10, notReady(10))("EngineNotReady"), {
			state: "pending",
			value: 0,
			sinceMs: NOW_MS + 10_000,
			severity: "page",
			note: "Postgres does not take writes: gone",
		});
		t.match(watch(9 + forSeconds, notReady(10))("EngineNotReady"), { state: "pending" });
		t.match(watch(10 + forSeconds, notReady(10))("EngineNotReady"), { state: "firing" });
		t.match(watch(40, notReady(10, 40))("EngineNotReady"), { state: "ok", sinceMs: null });
	},
);

t.test("freshness and lag of an old reading are unknown, with what they were and when", async (t) => {
	const stale = watch(1, () => ({
		partitions: [partitionStatus(0, { lag: 50, lagSeconds: 2, watermarksAtMs: NOW_MS - 24_000 })],
	}));
	t.match(stale("EngineFreshnessHigh"), { state: "unknown", value: 2, note: "as of 25 s ago" });
	t.match(stale("EngineLagGrowing"), { state: "unknown", value: 50 });
	const never = watch(1, () => ({
		partitions: [partitionStatus(0, { lag: null, lagSeconds: null, watermarksAtMs: null })],
	}));
	t.match(never("EngineFreshnessHigh"), { state: "unknown", value: null });
	t.match(watch(1, () => ({ partitions: [] }))("EngineLagGrowing"), { state: "unknown", value: null });
	const both = watch(1, () => ({
		partitions: [partitionStatus(0, { lagSeconds: 301, watermarksAtMs: NOW_MS - 60_000 })],
	}));
	t.match(both("EngineFreshnessHigh"), { state: "pending" }, "an alarm is not taken back by not knowing");
});

t.test("the worst partition decides, and a limit is not yet beyond it", async (t) => {
	const behind = (lagSeconds: number) =>
		watch(1, () => ({
			partitions: [
				partitionStatus(0, { lagSeconds: 0, watermarksAtMs: NOW_MS }),
				partitionStatus(1, { lagSeconds, watermarksAtMs: NOW_MS }),
			],
		}))("EngineFreshnessHigh");
	t.match(behind(300), { state: "ok", value: 300, limit: 300 });
	t.match(behind(300.5), { state: "pending", value: 300.5 });
});

t.test("a lag counts when it is large and grows", async (t) => {
	const lag = (at: (second: number) => number) =>
		watch(60, (second) => ({
			partitions: [partitionStatus(0, { lag: at(second), watermarksAtMs: NOW_MS + second * 1000 })],
		}))("EngineLagGrowing");
	t.match(
		lag((second) => 20_000 + second),
		{ state: "pending" },
	);
	t.match(
		lag((second) => 20_000 - second),
		{ state: "ok" },
	);
	t.match(
		lag((second) => 9_000 + second),
		{ state: "ok" },
	);
});

t.test("flushes fail by their count, or by silence while something waits", async (t) => {
	const { flush } = engineStatus();
	const failing = watch(1, () => ({ flush: { ...flush, failures: 2, lastError: "no space left" } }));
	t.match(failing("EngineFlushFailing"), { state: "pending", note: /2 failed.*no space left/ });
	const silent = (lag: number) =>
		watch(16, (second) => ({
			flush: { ...flush, lastCommitAtMs: NOW_MS },
			partitions: [partitionStatus(0, { lag, watermarksAtMs: NOW_MS + second * 1000 })],
		}))("EngineFlushFailing");
	t.match(silent(1), { state: "pending", value: 16, limit: 15 });
	t.match(silent(0), { state: "ok", value: 0 }, "a quiet topic needs no flush");
});

t.test(
	"a partition in which something waits and nothing is stored is stalled after two minutes",
	async (t) => {
		const stand = (seconds: number, change: (second: number) => object) =>
			watch(seconds, (second) => ({
				partitions: [partitionStatus(7, { watermarksAtMs: NOW_MS + second * 1000, ...change(second) })],
			}))("EngineStalled");
		t.match(
			stand(119, () => ({})),
			{ state: "ok", value: 0 },
		);
		t.match(
			stand(120, () => ({})),
			{ state: "pending", value: 1, note: "partition 7" },
		);
		t.match(
			stand(200, (second) => ({ durableOffset: Math.floor(second / 60) })),
			{ state: "ok" },
			"it moves",
		);
		t.match(
			stand(200, (second) => ({ lag: second === 100 ? 0 : 5 })),
			{ state: "ok" },
			"it was empty once",
		);
		t.match(
			stand(200, () => ({ state: "halted" })),
			{ state: "ok" },
			"halted has an alert of its own",
		);
		t.match(
			stand(420, () => ({})),
			{ state: "firing" },
		);
	},
);

t.test("shares are those of their windows, and of nothing there is none", async (t) => {
	const share = (deadAt: (second: number) => number, seconds = 400) =>
		watch(seconds, (second) => ({
			totals: {
				...TOTALS,
				consumed: second,
				stored: 1000 + 98 * second,
				deadLetters: deadAt(second),
				late: 6 * second,
			},
		}));
	t.match(share((second) => 2 * second)("EngineDeadLetterRate"), { state: "pending", value: 0.02 });
	t.match(
		share(() => 500)("EngineDeadLetterRate"),
		{ state: "ok", value: 0 },
		"dead letters of before are over",
	);
	t.match(share(() => 0)("EngineLateEvents"), { state: "pending", value: 6 / 98 });
	t.match(watch(5, () => ({}))("EngineDeadLetterRate"), { state: "ok", value: null });
});

t.test("rebalances and lost actors are counted over their windows", async (t) => {
	const at = (seconds: number) =>
		watch(seconds, (second) => ({
			totals: { ...TOTALS, rebalances: Math.min(second, 6) },
			actors: [actorStatus(0, { restarts: Math.min(second, 3) })],
		}));
	t.match(at(5)("EngineRebalanceStorm"), { state: "ok", value: 5 });
	t.match(at(6)("EngineRebalanceStorm"), { state: "pending", value: 6 });
	t.match(at(700)("EngineRebalanceStorm"), { state: "ok", value: 0 }, "ten minutes later it is over");
	t.match(at(2)("EngineActorRestarting"), { state: "ok" });
	t.match(at(3)("EngineActorRestarting"), { state: "pending", value: 3 });
});

t.test("no events is said in business hours, of an engine that is ready", async (t) => {
	t.match(watch(5, () => ({}))("EngineNoEvents"), { state: "pending", value: 0 });
	const night = Date.UTC(2025, 5, 1, 23);
	t.match(watch(5, () => ({}), undefined, night)("EngineNoEvents"), { state: "ok" });
	t.match(watch(5, () => ({ notReady: ["starting"] }))("EngineNoEvents"), { state: "ok" });
	t.match(watch(5, (second) => ({ totals: { ...TOTALS, consumed: second } }))("EngineNoEvents"), {
		state: "ok",
		value: 1,
	});
});

t.test("the payout ratio needs money behind it, and is unknown while Postgres cannot be read", async (t) => {
	const { hours } = business();
	const paid = (payouts: string, trouble: string | null = null) =>
		watch(
			1,
			() => ({}),
			() =>
				business({ hours: { ...hours, trouble, value: [hourMetrics(0, { revenue: "1000.00", payouts })] } }),
		)("PayoutRatioHigh");
	t.match(paid("900.00"), { state: "ok", value: 0.9 }, "one prize in a quiet day");
	t.match(paid("1500.00"), { state: "pending", value: 1.5, limit: 0.8 });
	t.match(paid("100.00", "connection refused"), { state: "unknown", value: 0.1 });
});

t.test("the oldest snapshot is unknown while Postgres does not answer", async (t) => {
	const snapshot = (oldestSnapshotSeconds: number | null, trouble: string | null = null) =>
		watch(1, () => ({ postgres: { trouble, oldestSnapshotSeconds } }))("EngineOldestSnapshot");
	t.match(snapshot(901), { state: "pending", value: 901 });
	t.match(snapshot(900), { state: "ok" });
	t.match(snapshot(null, "refused"), { state: "unknown", value: null });
});
