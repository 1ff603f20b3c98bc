/**
 * What the live page shows, once a second: the engine's status, what can only be said over some time (rates, thresholds),
 * and what the business sees in Postgres. The terminal view may use the same.
 */
import type { EngineStatus } from "./status.ts";
import type { AlertName, Condition, Severity } from "./thresholds.ts";

/** Over the last few seconds. */
export interface Rates {
	/** What it is measured over; 0 at the first look, when every rate is null. */
	readonly seconds: number;
	readonly consumedPerSecond: number | null;
	readonly storedPerSecond: number | null;
	readonly deadLettersPerSecond: number | null;
	readonly commitsPerSecond: number | null;
	/** Share of the time (0 to 1) that a transaction was under way which then committed. */
	readonly writerBusy: number | null;
	/** The same for each actor's folding, by shard. */
	readonly actorsBusy: readonly (number | null)[];
	/** Events given to each actor, by shard. */
	readonly actorsPerSecond: readonly (number | null)[];
	/** Share of the looks at which Kafka was paused because actors or Postgres were behind. */
	readonly actorsBehind: number;
	readonly postgresBehind: number;
}

/** `backpressured`: could do more, and must wait for what comes behind it. `away`: does not answer. */
export type Load = "idle" | "busy" | "backpressured" | "away";

export interface FlowNode {
	readonly name: "kafka" | "actors" | "flush" | "postgres";
	readonly load: Load;
	/** 0 to 1; null where nothing can be said. */
	readonly busy: number | null;
	/** Why, for people; null when there is nothing to say. */
	readonly why: string | null;
}

/** `pending`: the condition holds, not yet for long enough. `unknown`: what it is judged by is out of date. */
export type SignalState = "ok" | "pending" | "firing" | "unknown";

/** One alert of monitoring/thresholds.ts, judged by the engine itself with the alert's own thresholds and times. */
export interface Signal {
	readonly alert: AlertName;
	readonly state: SignalState;
	readonly severity: Severity;
	/** What is compared; null when there is nothing to compare. */
	readonly value: number | null;
	readonly unit: Condition["unit"];
	readonly limit: number;
	/** Since when the condition holds, in ms since 1970; null while it does not. */
	readonly sinceMs: number | null;
	readonly forSeconds: number;
	/** One sentence for people; null when the figure says it all. */
	readonly note: string | null;
	/** Path in this repository. */
	readonly runbook: string;
}

/** Something read from Postgres: it stays as it was while Postgres is away, and says so. */
export interface Reading<T> {
	readonly value: T | null;
	readonly readAtMs: number | null;
	/** Why the newest attempt failed, for people; null when it did not. */
	readonly trouble: string | null;
}

/** Money is decimal text, as exact as it is stored. */
export interface HourMetrics {
	readonly hourMs: number;
	readonly revenue: string;
	readonly tickets: number;
	readonly payouts: string;
	readonly payoutEvents: number;
	readonly activeUsers: number;
	readonly newSessions: number;
	readonly logins: number;
	readonly updatedAtMs: number;
	/** Set for some minutes after the hour changed though newer hours had long begun. */
	readonly correction: Correction | null;
}

/** What a late event changed. */
export interface Correction {
	readonly atMs: number;
	/** Differences as decimal text with a sign. */
	readonly revenue: string;
	readonly payouts: string;
	readonly tickets: number;
	readonly activeUsers: number;
}

export interface DeadLetterSample {
	readonly topic: string;
	readonly partition: number;
	readonly offset: number;
	readonly stage: string;
	readonly reason: string;
	readonly pointer: string | null;
	readonly detail: string | null;
	readonly createdAtMs: number;
	readonly bytes: number | null;
	/** The start of key and value as text; bytes that are no UTF-8 are replaced. */
	readonly key: string | null;
	readonly value: string | null;
}

/** Counted in Postgres over all partitions and engines, since the first one. */
export interface LedgerCounts {
	readonly stored: number;
	readonly deadLetters: number;
}

export interface Business {
	/** The newest 24 hours, newest first; hours without an event are missing. */
	readonly hours: Reading<readonly HourMetrics[]>;
	readonly counts: Reading<LedgerCounts>;
	/** The newest of each reason. */
	readonly deadLetters: Reading<readonly DeadLetterSample[]>;
}

export interface LivePage {
	readonly atMs: number;
	readonly status: EngineStatus;
	readonly rates: Rates;
	readonly flow: readonly FlowNode[];
	readonly signals: readonly Signal[];
	readonly business: Business;
}

/** One value for each look, the oldest first. */
export interface LiveHistory {
	readonly atMs: readonly number[];
	readonly consumedPerSecond: readonly (number | null)[];
	readonly storedPerSecond: readonly (number | null)[];
	readonly lag: readonly (number | null)[];
	readonly p50Seconds: readonly (number | null)[];
	readonly p99Seconds: readonly (number | null)[];
}

/** One row of `node engine config`; secrets are masked by whoever makes it. */
export interface ConfigRow {
	readonly name: string;
	readonly value: string | null;
	readonly origin: string;
	readonly description: string;
}
