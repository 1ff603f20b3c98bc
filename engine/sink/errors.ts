/** Failures of Postgres that a person must read about: what is wrong, and the next step. */
import { EngineError, UnavailableError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";

/** Postgres cannot be reached, or does not let us in. Exit 69. */
export class PostgresUnavailableError extends UnavailableError {
	/** SQLSTATE, or Node's code such as `ECONNREFUSED`; `UNKNOWN` when there is neither. */
	readonly code: string;
	/** Another try may succeed: servers come back, and passwords are rotated while we run. */
	readonly retryable = true;
	/** The settings are to blame (password, database, certificate): at start, waiting is of no use. */
	readonly settingsAreWrong: boolean;

	constructor(
		message: string,
		nextStep: string,
		about: { code: string; settingsAreWrong: boolean; cause: unknown },
	) {
		super("postgres", message, nextStep, { cause: about.cause });
		this.code = about.code;
		this.settingsAreWrong = about.settingsAreWrong;
	}
}

export type SchemaErrorCode =
	/** An applied file no longer is what it was. */
	| "MIGRATION_CHANGED"
	/** The database has migrations that this version does not have. */
	| "MIGRATION_UNKNOWN"
	/** A new file would have to run before one that is applied. */
	| "MIGRATION_ORDER"
	/** Files of this version are not applied yet. */
	| "MIGRATION_PENDING"
	/** A file could not be applied; its transaction is rolled back. */
	| "MIGRATION_FAILED"
	/** A partition has two offset rows. */
	| "OFFSET_ROWS"
	/** The server, or what we may do there, is not enough. */
	| "SERVER_UNFIT";

/** The database's schema and this version do not fit together. A person must decide. Exit 78. */
export class SchemaError extends EngineError {
	readonly code: SchemaErrorCode;
	readonly retryable = false;

	constructor(code: SchemaErrorCode, message: string, nextStep: string, options?: ErrorOptions) {
		super(message, EXIT.configuration, nextStep, options);
		this.code = code;
	}
}

/** SQLSTATE or Node's error code; empty when the error has none. */
export function errorCode(error: unknown): string {
	const code = (error as { code?: unknown } | null)?.code;
	return typeof code === "string" ? code : "";
}

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * True when the connection is gone or may be: no SQLSTATE at all (socket errors, pg's own "Connection terminated"),
 * class 08, a shutdown (57P01 to 57P05), or any other error by which the server ends a session. Such a client must be
 * thrown away.
 */
export function isConnectionLost(error: unknown): boolean {
	const code = errorCode(error);
	// EPIPE looks like a SQLSTATE; those of Postgres hold at least one digit.
	if (!SQLSTATE.test(code) || !/[0-9]/.test(code)) return true;
	const { severity } = error as { severity?: unknown };
	return code.startsWith("08") || code.startsWith("57P") || severity === "FATAL" || severity === "PANIC";
}
