/**
 * What passes by, added up for `/api/status` and the live page: totals that viewers turn into rates, and how long events
 * took. It listens to what the metrics are told, once per batch or set.
 */
import type { CommitReport } from "./commit-report.ts";
import { LatencyWindow } from "./latency-window.ts";
import type { LatencyStatus } from "./status.ts";

/** The part of the metrics it listens to. */
interface Told {
	consumed(records: number): void;
	committed(report: CommitReport): void;
}

const MS_PER_SECOND = 1000;

export class Meter {
	consumed = 0;
	late = 0;
	committingMs = 0;
	readonly #now: () => number;
	readonly #latency = new LatencyWindow();

	/** @param now the clock, in ms since 1970 */
	constructor(now: () => number) {
		this.#now = now;
	}

	/** `metrics`, with this one listening in. */
	listeningTo<Metrics extends Told>(metrics: Metrics): Metrics {
		return {
			...metrics,
			consumed: (records: number) => {
				this.consumed += records;
				metrics.consumed(records);
			},
			committed: (report: CommitReport) => {
				this.#committed(report);
				metrics.committed(report);
			},
		};
	}

	/** Null when nothing was committed lately. */
	get latency(): LatencyStatus | null {
		return this.#latency.read(this.#now());
	}

	#committed({ lateByAge = {}, phasesSeconds, endToEndSeconds }: CommitReport): void {
		for (const count of Object.values(lateByAge)) this.late += count;
		this.committingMs += phasesSeconds.total * MS_PER_SECOND;
		this.#latency.add(endToEndSeconds, this.#now());
	}
}
