import type { CommitReport } from "../monitoring/commit-report.ts";

/** What the supervisor tells whoever counts. Called per batch or per set, never per event. */
export interface Observer {
	consumed(records: number): void;
	batchProcessed(seconds: number): void;
	committed(report: CommitReport): void;
	flushFailed(code: string): void;
	recovered(reason: string): void;
	rebalanced(): void;
	actorRestarted(actor: number): void;
	gap(partition: number, count: number): void;
}
