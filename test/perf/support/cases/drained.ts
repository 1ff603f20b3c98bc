/** What a drain would have given, for what is made of several. */
import type { Drained } from "../../../../perf/support/drain-run.ts";

export function drainedAt(eventsPerSecond: number, changes: Partial<Drained> = {}): Drained {
	return {
		eventsPerSecond,
		events: 900_000,
		seconds: 900_000 / eventsPerSecond,
		underWayAtStart: 0,
		firstCommitSeconds: 1.5,
		wholeSeconds: 1.5 + 1e6 / eventsPerSecond,
		wholeEventsPerSecond: 1e6 / (1.5 + 1e6 / eventsPerSecond),
		cpuMicrosPerEvent: { engine: 4, main: 1, actors: 2, gc: 1, postgres: 2, kafka: 0.5 },
		peakMemoryBytes: 300 * 2 ** 20,
		recoveries: 0,
		timeline: { samples: [], marks: [{ atSeconds: 1, text: `${eventsPerSecond}` }] },
		database: {
			name: "run",
			url: "postgres://127.0.0.1/run",
			check: async () => [],
			remove: async () => {},
		},
		...changes,
	};
}
