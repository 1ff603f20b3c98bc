import { EngineError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";

/**
 * The file cannot be the source: it is not there, no file, or not the one that was counted. A person must decide. Exit 78.
 */
export class SourceFileError extends EngineError {
	readonly code: string;
	readonly retryable = false;

	/** `code`: Node's (`ENOENT`), or ours (`NOT_THE_SAME_FILE`). */
	constructor(message: string, code: string, nextStep: string, options?: ErrorOptions) {
		super(message, EXIT.configuration, nextStep, options);
		this.code = code;
	}
}

/** What was read is not in the file any more: it was cut off, rewritten or replaced. Whether that matters, the row tells. */
export class FileChangedError extends Error {
	readonly code = "FILE_CHANGED";
	readonly retryable = true;
}

/** Postgres did not answer, and the lock that gives us the turn went with the connection. */
export class TurnLostError extends Error {
	readonly code = "TURN_LOST";
	readonly retryable = true;
}
