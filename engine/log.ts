/**
 * The log: pino, one line for an event of interest, never one per message. It goes to stderr, since stdout is data.
 * Writing is synchronous: the last line before an exit is the one that is needed, and it must not be lost in a buffer.
 */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";
import { PinoPretty } from "pino-pretty";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const LOG_FORMATS = ["auto", "json", "pretty"] as const;

export interface LogSettings {
	readonly level: (typeof LOG_LEVELS)[number];
	/** `auto` is `pretty` on a terminal, `json` elsewhere. */
	readonly format: (typeof LOG_FORMATS)[number];
}

export type Log = Logger;

const STDERR_FD = 2;

/** What must not reach a log file, at any depth the engine logs: passwords, URLs that hold one, who a user is. */
const REDACTED = ["password", "connectionString", "databaseUrl", "userId", "user_id", "key"].flatMap(
	(field) => [field, `*.${field}`, `*.*.${field}`],
);

/**
 * @param stream where lines go instead of stderr, for tests
 */
export function createLog(settings: LogSettings, stream?: DestinationStream): Log {
	const isTerminal = process.stderr.isTTY === true;
	const isPretty = settings.format === "pretty" || (settings.format === "auto" && isTerminal);
	const sink = stream ?? destination({ dest: STDERR_FD, sync: true });
	return pino(
		{
			level: settings.level,
			base: { pid: process.pid },
			timestamp: stdTimeFunctions.isoTime,
			formatters: { level: (label) => ({ level: label }) },
			redact: { paths: REDACTED, censor: "[hidden]" },
		},
		isPretty
			? PinoPretty({
					destination: sink,
					colorize: isTerminal && !process.env["NO_COLOR"],
					ignore: "pid,component",
					translateTime: "SYS:HH:MM:ss.l",
					messageFormat: (line, key) => `${line["component"] ? `${line["component"]}: ` : ""}${line[key]}`,
				})
			: sink,
	);
}
