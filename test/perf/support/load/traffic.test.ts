import t from "tap";
import type { Load } from "../../../../perf/support/load/load.ts";
import type { LoadReport } from "../../../../perf/support/load/load-messages.ts";
import { latencyFigures, runStretch, type Traffic } from "../../../../perf/support/load/traffic.ts";
import type { ScenarioContext } from "../../../../perf/support/scenario.ts";

const LATENCY = { name: "w", unit: "ms", count: 5, p50: 1, p95: 2, p99: 3, max: 4, buckets: [] } as const;

/** What is needed of everything around a stretch; each report is 100 events and 1 CPU second further. */
function around(report: Partial<LoadReport> = {}) {
	const calls: string[] = [];
	let reports = 0;
	const next = (): LoadReport => ({
		due: 1000 + 100 * reports,
		acknowledged: 1000 + 100 * reports,
		invisible: 10 * reports,
		cpuSeconds: ++reports,
		latenessMsMax: 7,
		distributions: [LATENCY],
		polls: 3,
		pollGapMsMax: 11,
		endOffsets: [],
		...report,
	});
	const load = {
		setRate: async (perSecond: number) => void calls.push(`rate ${perSecond}`),
		window: async (name: string | null) => void calls.push(`window ${name}`),
		report: async () => next(),
		progress: () => ({ invisible: 42 }),
	} as unknown as Load;
	const traffic = {
		engine: { pid: process.pid },
		mustRun: () => undefined,
		settle: async () => {
			calls.push("settle");
			return next();
		},
	} as unknown as Traffic;
	const context = {
		places: { pids: { kafka: null, postgres: null } },
		mark: () => undefined,
		progress: () => undefined,
		sleep: async (ms: number) => void calls.push(`sleep ${ms > 100 ? ms : "a while"}`),
	} as unknown as ScenarioContext;
	return { calls, load, traffic, context };
}

const STRETCH = { name: "w", perSecond: 500, warmUpSeconds: 3, seconds: 0.02 };

t.test(
	"a stretch is counted behind its warm-up, and waits for its last event before it is over",
	async (t) => {
		const { calls, load, traffic, context } = around();
		const result = await runStretch(context, traffic, load, STRETCH);
		t.strictSame(
			calls.filter((call) => call !== "sleep a while"),
			["rate 500", "sleep 3000", "window w", "window null", "settle"],
		);
		t.match(result, { committed: 90, latenessMsMax: 7, pollGapMsMax: 11, latency: LATENCY });
		t.match(result.cpu, { sender: 1, kafka: null, postgres: null });
		t.ok(result.backlogs.length > 0 && result.backlogs.every((backlog) => backlog === 42));
	},
);

t.test("a stretch in which no event was due is an error that says what to do", async (t) => {
	const { load, traffic, context } = around({ distributions: [] });
	await t.rejects(
		runStretch(context, traffic, load, STRETCH),
		/no event of "w" .* higher rate or more seconds/,
	);
});

t.test("an engine that has ended ends the stretch", async (t) => {
	const { load, traffic, context } = around();
	const mustRun = () => {
		throw new Error("the engine ended with SIGKILL");
	};
	await t.rejects(runStretch(context, { ...traffic, mustRun }, load, STRETCH), /ended with SIGKILL/);
});

t.test("latencies become figures of which the smaller is the better", (t) => {
	const figures = latencyFigures("slow-", "at 5 events/s", LATENCY);
	t.match(figures, [
		{ name: "slow-latency-p50", value: 1, unit: "ms", better: "lower" },
		{ name: "slow-latency-p95", value: 2 },
		{ name: "slow-latency-p99", value: 3 },
		{ name: "slow-latency-max", value: 4 },
	]);
	t.ok(figures.every(({ about }) => about.includes("at 5 events/s")));
	t.end();
});
