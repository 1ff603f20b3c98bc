/**
 * Failures inside the engine, told apart by type: whether to try again is asked of `retryable`, never read from a
 * message. What a person at the terminal gets to see is in errors.ts.
 */
import type { RecordPlace } from "../workers/messages.ts";
import { EngineError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

/** Another claim moved the row, or the ledger's generation was raised: step 9, never an alarm by itself. */
export class FencedError extends Error {
	readonly code = "FENCED";
	readonly retryable = true;
}

/** A step took longer than its deadline; the connection was thrown away. */
export class DeadlineError extends Error {
	readonly code = "DEADLINE";
	readonly retryable = true;
	constructor(step: string, deadlineMs: number) {
		super(`Postgres did not finish "${step}" within ${deadlineMs} ms`);
	}
}

/** COMMIT was answered by something else: the transaction had failed, and nothing is stored. */
export class NotCommittedError extends Error {
	readonly code = "NOT_COMMITTED";
	readonly retryable = true;
}

/**
 * Postgres refused a row of the events (SQLSTATE class 22, 23 or 54). A day attached in mid-COPY does that once (23514),
 * so it is poison only when the same record is refused again after a recovery (step 10).
 */
export class RefusedRowError extends Error {
	/** SQLSTATE. */
	readonly code: string;
	readonly retryable = true;
	/** Null when Postgres did not say which row, and none could be found. */
	readonly place: RecordPlace | null;

	constructor(message: string, code: string, place: RecordPlace | null, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
		this.place = place;
	}
}

/** The database belongs to another topic or another cluster. A person must decide. Exit 78. */
export class WrongLedgerError extends EngineError {
	readonly code = "WRONG_LEDGER";
	readonly retryable = false;

	constructor(message: string) {
		super(
			message,
			EXIT.configuration,
			"use another database (DATABASE_URL, or --home FOLDER for another embedded one) for this topic, or set KAFKA_TOPIC back",
		);
	}
}

/** One of our own invariants does not hold. Stops the engine: the truth in Postgres is worth more than going on. */
export class InvariantError extends Error {
	readonly code = "INVARIANT";
	readonly retryable = false;
}

/** An invariant of one partition does not hold: that partition is halted, the others go on. */
export class BrokenPartitionError extends Error {
	readonly code = "INVARIANT";
	readonly retryable = true;
	readonly partition: number;

	constructor(partition: number, message: string) {
		super(message);
		this.partition = partition;
	}
}

/** A short, bounded code for logs and metric labels: ours, a SQLSTATE class, or a Node error code. */
export function codeOf(error: unknown): string {
	const code = (error as { code?: unknown } | null)?.code;
	return typeof code === "string" && code.length <= 32 ? code : "UNKNOWN";
}

export function isRetryable(error: unknown): boolean {
	return (error as { retryable?: unknown } | null)?.retryable !== false;
}

export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message || error.name : String(error);
}
