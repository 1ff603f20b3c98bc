/** A result as a scenario would leave it, made by a formula: the same every time. */
import type { Sample, ScenarioResult } from "../../../perf/support/result.ts";

const UNKNOWN: Sample = {
	atSeconds: 0,
	sent: null,
	committed: null,
	engineCommitted: null,
	engineLag: null,
	memoryBytes: null,
	handles: null,
	cpuSeconds: { engine: null, main: null, actors: null, gc: null, postgres: null, kafka: null, sender: null },
	paused: null,
};

/** A sample that knows only what it is given. */
export function sampleAt(atSeconds: number, known: Partial<Sample> = {}): Sample {
	return { ...UNKNOWN, ...known, atSeconds };
}

/** A minute of traffic at 100,000 events/s with 10 s in which Postgres stood still, sampled four times a second. */
export function sampleResult(changes: Partial<ScenarioResult> = {}): ScenarioResult {
	const samples: Sample[] = [];
	let committed = 0;
	for (let tick = 0; tick <= 240; tick++) {
		const at = tick / 4;
		const sent = Math.round(at * 100_000);
		const frozen = at >= 20 && at < 30;
		if (!frozen) committed = Math.min(sent, committed + 100_000 * (at > 30 ? 0.25 * 1.6 : 0.25));
		const wave = 1 + 0.06 * Math.sin(tick * 1.7);
		samples.push(
			sampleAt(at, {
				sent,
				committed: Math.round(committed * (frozen ? 1 : 0.998)),
				// Its page does not answer for two seconds.
				engineCommitted: at > 40 && at < 42 ? null : Math.round(committed * 0.998),
				engineLag: at > 40 && at < 42 ? null : sent - Math.round(committed * 0.998),
				memoryBytes:
					(180 + (frozen ? (at - 20) * 14 : at < 30 ? 0 : Math.max(0, 140 - (at - 30) * 9)) + 6 * wave) *
					2 ** 20,
				handles: 41,
				paused: frozen ? 8 : 0,
				cpuSeconds: {
					engine: at * 0.62 + tick * 0.001 * wave,
					main: at * 0.2,
					actors: at * 0.31,
					gc: at * 0.05,
					postgres: at * 0.21,
					kafka: at * 0.06,
					sender: at * 0.09,
				},
			}),
		);
	}
	const buckets = Array.from({ length: 60 }, (_, at) => ({
		atMost: 20 * 1.08 ** at,
		count: Math.round(100_000 * Math.exp(-((at - 18) ** 2) / 60) + 900 * Math.exp(-((at - 42) ** 2) / 20)),
	}));
	return {
		format: 1,
		scenario: "sample",
		about: "Steady traffic; Postgres stands still for ten seconds.",
		at: "2026-11-23T07:00:00.000Z",
		command: "node perf sample --rate 100000",
		machine: { cpu: "A processor", cores: 2, memoryBytes: 24 * 2 ** 30, kernel: "6.1.0" },
		versions: { engine: "0.1.0", commit: "abc1234", node: "20.20.2", postgres: "18.4", kafka: "4.4.0" },
		options: { rate: 100_000, seconds: 60, partitions: 8 },
		settings: {},
		figures: [
			{
				name: "throughput",
				value: 405_123,
				unit: "events/s",
				better: "higher",
				about: "Events committed per second.",
			},
			{
				name: "recovery-time",
				value: 12.4,
				unit: "s",
				better: "lower",
				about: "From the thaw to a lag of 0.",
			},
			{
				name: "peak-memory",
				value: 338 * 2 ** 20,
				unit: "bytes",
				better: "lower",
				about: "Most resident memory.",
			},
			{
				name: "peak-lag",
				value: 1_002_113,
				unit: "events",
				better: "lower",
				about: "Most events that waited.",
			},
			{
				name: "cpu-engine",
				value: 4.51,
				unit: "µs/event",
				better: "lower",
				about: "CPU of the engine per event.",
			},
		],
		ratios: [
			{
				name: "drain-of-copy",
				value: 0.47,
				unit: "ratio",
				better: "higher",
				about: "The same rows by psql into a table with the same index.",
				of: "throughput",
				to: "copy-binary",
			},
		],
		distributions: [
			{ name: "latency", unit: "ms", count: 1_500_000, p50: 71.3, p95: 142, p99: 388, max: 1890, buckets },
		],
		samples,
		marks: [
			{ atSeconds: 20, text: "Postgres frozen" },
			{ atSeconds: 30, text: "Postgres thawed" },
		],
		curves: [
			{
				name: "engine",
				xLabel: "partitions",
				yLabel: "µs/event",
				points: [1, 2, 4, 8, 16, 32, 64].map((x) => ({ x, y: 4.2 + 0.1 * Math.log2(x) })),
			},
			{
				name: "Postgres",
				xLabel: "partitions",
				yLabel: "µs/event",
				points: [1, 2, 4, 8, 16, 32, 64].map((x) => ({ x, y: 2 + 0.02 * x })),
			},
		],
		checked: [
			"6,000,000 records sent, 6,000,000 stored, none twice",
			"24 hours equal a recomputation from events",
		],
		...changes,
	};
}
