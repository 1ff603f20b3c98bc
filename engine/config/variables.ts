/**
 * Every variable the engine knows, in one table: its rule, its default, where else it may come from. The loader, the
 * flags, `node engine config`, the errors and the documentation are all read off this table.
 */
import { availableParallelism } from "node:os";
import { LOG_FORMATS, LOG_LEVELS } from "../log.ts";
import { KAFKA_VARIABLES } from "./kafka-variables.ts";
import { duration, integer, oneOf, postgresUrl, ratio, sourceFile, text } from "./parsers.ts";
import { type Variable, variable } from "./variable.ts";

/** More threads than this only cost memory: the writer is one connection. */
export const ACTORS_MAX = 64;

/** Two slices of 64 KB in a quarter of it must fit (engine/limits.ts), with room to breathe. */
export const IN_FLIGHT_MB_MIN = 4;
/** Node's external memory is not limited by the heap size; four gigabytes is what a small machine survives. */
export const IN_FLIGHT_MB_MAX = 4096;

export const VARIABLES = {
	...KAFKA_VARIABLES,
	DATABASE_URL: variable({
		group: "postgres",
		description: "Postgres to write to; without it and PGHOST an embedded Postgres is started",
		parser: postgresUrl,
		defaultText: null,
		aliases: ["POSTGRES_CONN"],
		secret: "url",
		hasFile: true,
	}),
	PGHOST: variable({
		group: "postgres",
		description: "Postgres host; used when DATABASE_URL is not set",
		parser: text(1024),
		defaultText: null,
		aliases: ["POSTGRES_HOST"],
	}),
	PGPORT: variable({
		group: "postgres",
		description: "Postgres port",
		parser: integer(1, 65_535),
		defaultText: "5432",
		aliases: ["POSTGRES_PORT"],
	}),
	PGUSER: variable({
		group: "postgres",
		description: "Postgres user",
		parser: text(63),
		defaultText: "postgres",
		aliases: ["POSTGRES_USER"],
	}),
	PGPASSWORD: variable({
		group: "postgres",
		description: "password of the Postgres user",
		parser: text(4096),
		defaultText: null,
		aliases: ["POSTGRES_PASSWORD"],
		secret: "whole",
		hasFile: true,
	}),
	PGDATABASE: variable({
		group: "postgres",
		description: "Postgres database; the user's name when it is not set, as libpq does",
		parser: text(63),
		defaultText: null,
		aliases: ["POSTGRES_DB"],
	}),
	PGSSLMODE: variable({
		group: "postgres",
		description: "TLS to PGHOST: require encrypts, verify-full checks the certificate too",
		parser: oneOf(["disable", "require", "verify-full"]),
		defaultText: "disable",
	}),
	PGSSLROOTCERT: variable({
		group: "postgres",
		description: "file with the certificate authority of PGHOST, for verify-full",
		parser: text(4096),
		defaultText: null,
	}),
	SOURCE_FILE: variable({
		group: "engine",
		description: "file of events, one JSON object a line, to read and follow instead of Kafka",
		parser: sourceFile,
		defaultText: null,
		flag: "--source <file>",
	}),
	ACTORS: variable({
		group: "engine",
		description: "worker threads that parse and fold; the default is the number of cores",
		parser: integer(1, ACTORS_MAX),
		defaultText: String(Math.min(availableParallelism(), ACTORS_MAX)),
		flag: "--actors <n>",
	}),
	FLUSH_INTERVAL_MS: variable({
		group: "engine",
		description: "how long events are gathered before they are written; longer when commits are slow",
		parser: integer(10, 60_000, "milliseconds"),
		defaultText: "50",
		flag: "--flush-interval-ms <ms>",
	}),
	FLUSH_ROWS_MAX: variable({
		group: "engine",
		description: "events after which a set is written without waiting for the interval",
		parser: integer(1, 1_000_000),
		defaultText: "30000",
		flag: "--flush-rows-max <n>",
	}),
	IN_FLIGHT_MB_MAX: variable({
		group: "engine",
		description: "memory for events that are read and not yet stored; Kafka is paused above it",
		parser: integer(IN_FLIGHT_MB_MIN, IN_FLIGHT_MB_MAX, "megabytes"),
		defaultText: "64",
		flag: "--in-flight-mb-max <mb>",
	}),
	FUTURE_SKEW: variable({
		group: "engine",
		description: "an event further ahead of its Kafka record's time is a dead letter",
		parser: duration,
		defaultText: "24h",
		flag: "--future-skew <duration>",
	}),
	LATE_POLICY: variable({
		group: "engine",
		description: "correct: a late event corrects its hour; dead-letter: one older than LATE_AFTER is refused",
		parser: oneOf(["correct", "dead-letter"]),
		defaultText: "correct",
		flag: "--late-policy <policy>",
	}),
	LATE_AFTER: variable({
		group: "engine",
		description: "how far behind its Kafka record an event may be, with LATE_POLICY=dead-letter",
		parser: duration,
		defaultText: "24h",
		flag: "--late-after <duration>",
	}),
	INVALID_RATIO_MAX: variable({
		group: "engine",
		description: "share of dead letters among the last 10,000 messages above which the engine stops",
		parser: ratio,
		defaultText: "0.9",
		flag: "--invalid-ratio-max <ratio>",
	}),
	HTTP_HOST: variable({
		group: "http",
		description: "address of /metrics, /livez, /readyz and the page; 0.0.0.0 inside a container",
		parser: text(255),
		defaultText: "127.0.0.1",
		flag: "--http-host <address>",
	}),
	HTTP_PORT: variable({
		group: "http",
		description: "port of the same; 0 takes a free one",
		parser: integer(0, 65_535),
		defaultText: "9464",
		flag: "--http-port <port>",
	}),
	LOG_LEVEL: variable({
		group: "log",
		description: "least level that is logged",
		parser: oneOf(LOG_LEVELS),
		defaultText: "info",
		flag: "--log-level <level>",
	}),
	LOG_FORMAT: variable({
		group: "log",
		description: "json, pretty, or auto: pretty on a terminal",
		parser: oneOf(LOG_FORMATS),
		defaultText: "auto",
		flag: "--log-format <format>",
	}),
	ENGINE_HOME: variable({
		group: "home",
		description: "folder of the embedded Kafka and Postgres",
		parser: text(4096),
		defaultText: ".engine",
		flag: "--home <folder>",
	}),
	STARTUP_TIMEOUT_S: variable({
		group: "engine",
		description: "how long to wait for Kafka and Postgres at the start",
		parser: integer(1, 3_600, "seconds"),
		defaultText: "60",
		flag: "--startup-timeout-s <s>",
	}),
	SHUTDOWN_TIMEOUT_S: variable({
		group: "engine",
		description: "how long the last commit may take; keep it below what kills the process",
		parser: integer(1, 3_600, "seconds"),
		defaultText: "30",
		flag: "--shutdown-timeout-s <s>",
	}),
} as const;

export type VariableName = keyof typeof VARIABLES;

type ValueOf<V> = V extends Variable<infer T, infer D> ? (D extends string ? T : T | null) : never;

/** The parsed value of every variable; null where there is neither a value nor a default. */
export type Values = { readonly [N in VariableName]: ValueOf<(typeof VARIABLES)[N]> };

export const VARIABLE_NAMES = Object.keys(VARIABLES) as VariableName[];

/** The table with its types widened, to walk over. */
export function definitionOf(name: VariableName): Variable {
	return VARIABLES[name] as Variable;
}
