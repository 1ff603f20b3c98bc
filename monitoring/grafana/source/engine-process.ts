/** What it takes: CPU, memory and what else a process can run out of. */
import type { Row } from "./dashboard.ts";
import { chart } from "./panel.ts";
import { OF_INSTANCE } from "./select.ts";

export const PROCESS: Row = {
	title: "What does it take?",
	panels: [
		chart({
			title: "CPU, in cores",
			description: "All threads of each engine together.",
			unit: "none",
			decimals: 2,
			width: 8,
			queries: [
				{
					legend: "{{instance}}",
					expr: `rate(process_cpu_seconds_total{${OF_INSTANCE}}[$__rate_interval])`,
				},
			],
		}),
		chart({
			title: "Memory",
			description: "Of the process, and of that the main thread's heap and the buffers outside of it.",
			unit: "bytes",
			width: 8,
			queries: [
				{ legend: "process {{instance}}", expr: `process_resident_memory_bytes{${OF_INSTANCE}}` },
				{ legend: "heap {{instance}}", expr: `nodejs_heap_size_used_bytes{${OF_INSTANCE}}` },
				{ legend: "buffers {{instance}}", expr: `nodejs_external_memory_bytes{${OF_INSTANCE}}` },
			],
		}),
		chart({
			title: "Main thread, delay",
			description:
				"How late timers come because the main thread is busy; from 0.1 s on it holds everything up.",
			unit: "s",
			width: 8,
			queries: [
				{ legend: "99 % {{instance}}", expr: `nodejs_eventloop_lag_p99_seconds{${OF_INSTANCE}}` },
				{ legend: "mean {{instance}}", expr: `nodejs_eventloop_lag_mean_seconds{${OF_INSTANCE}}` },
			],
		}),
		chart({
			title: "Garbage collection",
			description: "Share of the main thread's time.",
			unit: "percentunit",
			width: 8,
			queries: [
				{
					legend: "{{instance}}",
					expr: `sum by (instance) (rate(nodejs_gc_duration_seconds_sum{${OF_INSTANCE}}[$__rate_interval]))`,
				},
			],
		}),
		chart({
			title: "Bytes to Postgres",
			description: "Sent in committed transactions.",
			unit: "Bps",
			width: 8,
			queries: [
				{
					legend: "{{instance}}",
					expr: `rate(engine_flush_bytes_total{${OF_INSTANCE}}[$__rate_interval])`,
				},
			],
		}),
		chart({
			title: "Open files",
			description: "Files and sockets, and how many the process may have.",
			unit: "none",
			width: 8,
			queries: [
				{ legend: "open {{instance}}", expr: `process_open_fds{${OF_INSTANCE}}` },
				{ legend: "limit {{instance}}", expr: `process_max_fds{${OF_INSTANCE}}` },
			],
		}),
	],
};
