/** The configuration as the engine uses it: parsed, frozen, with units in the names. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { EventTimeRules } from "../../workers/messages.ts";
import type { LogSettings } from "../log.ts";
import type { PostgresSettings } from "../sink/settings.ts";
import type { Values } from "./variables.ts";

export interface SaslSettings {
	readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
	readonly username: string;
	readonly password: string;
}

/** PEM texts; what is missing is the system's. */
export interface TlsSettings {
	readonly ca?: string;
	readonly cert?: string;
	readonly key?: string;
}

export interface KafkaSettings {
	/** Null: the embedded broker. */
	readonly brokers: readonly string[] | null;
	readonly topic: string;
	readonly groupId: string;
	readonly clientId: string;
	readonly ssl: false | TlsSettings;
	readonly sasl: SaslSettings | null;
	readonly sessionTimeoutMs: number;
	/** Who reads record batches: our scanner, or kafkajs itself, should the scanner ever be in doubt. */
	readonly decoder: "scanner" | "kafkajs";
}

export interface Config {
	readonly kafka: KafkaSettings;
	/** Null: the embedded Postgres. */
	readonly postgres: PostgresSettings | null;
	/** Absolute path of a file that is read instead of Kafka; null: Kafka is. */
	readonly sourceFile: string | null;
	readonly actors: number;
	readonly flushIntervalMs: number;
	readonly flushRowsMax: number;
	readonly inFlightBytesMax: number;
	readonly rules: EventTimeRules;
	readonly invalidRatioMax: number;
	readonly http: { readonly host: string; readonly port: number };
	readonly log: LogSettings;
	/** Absolute path of the folder of the embedded parts. */
	readonly engineHome: string;
	readonly startupTimeoutMs: number;
	readonly shutdownTimeoutMs: number;
}

const MEGABYTE = 1024 * 1024;

/** @param cwd folder that a relative `ENGINE_HOME` or `SOURCE_FILE` starts from */
export function buildConfig(values: Values, cwd: string): Config {
	return deepFreeze({
		kafka: {
			brokers: values.KAFKA_BROKERS,
			topic: values.KAFKA_TOPIC,
			groupId: values.KAFKA_GROUP_ID,
			clientId: values.KAFKA_CLIENT_ID,
			ssl: values.KAFKA_SSL
				? present({ ca: values.KAFKA_SSL_CA, cert: values.KAFKA_SSL_CERT, key: values.KAFKA_SSL_KEY })
				: false,
			sasl: saslOf(values),
			sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT_MS,
			decoder: values.KAFKA_DECODER,
		},
		postgres: postgresOf(values),
		sourceFile: values.SOURCE_FILE === null ? null : resolve(cwd, values.SOURCE_FILE),
		actors: values.ACTORS,
		flushIntervalMs: values.FLUSH_INTERVAL_MS,
		flushRowsMax: values.FLUSH_ROWS_MAX,
		inFlightBytesMax: values.IN_FLIGHT_MB_MAX * MEGABYTE,
		rules: {
			futureSkewMs: values.FUTURE_SKEW,
			latePolicy: values.LATE_POLICY,
			lateAfterMs: values.LATE_AFTER,
		},
		invalidRatioMax: values.INVALID_RATIO_MAX,
		http: { host: values.HTTP_HOST, port: values.HTTP_PORT },
		log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT },
		engineHome: resolve(cwd, values.ENGINE_HOME),
		startupTimeoutMs: values.STARTUP_TIMEOUT_S * 1000,
		shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_S * 1000,
	});
}

function saslOf(values: Values): SaslSettings | null {
	const {
		KAFKA_SASL_MECHANISM: mechanism,
		KAFKA_SASL_USERNAME: username,
		KAFKA_SASL_PASSWORD: password,
	} = values;
	if (mechanism === null || username === null || password === null) return null;
	return { mechanism, username, password };
}

function postgresOf(values: Values): PostgresSettings | null {
	if (values.DATABASE_URL !== null) return { connectionString: values.DATABASE_URL };
	if (values.PGHOST === null) return null;
	return {
		host: values.PGHOST,
		port: values.PGPORT,
		user: values.PGUSER,
		password: values.PGPASSWORD ?? undefined,
		database: values.PGDATABASE ?? values.PGUSER,
		ssl:
			values.PGSSLMODE === "disable"
				? false
				: {
						rejectUnauthorized: values.PGSSLMODE === "verify-full",
						...(values.PGSSLROOTCERT === null ? {} : { ca: readFileSync(values.PGSSLROOTCERT, "utf8") }),
					},
	};
}

function present<K extends string>(fields: Record<K, string | null>): { [F in K]?: string } {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
		[F in K]?: string;
	};
}

function deepFreeze<T>(value: T): T {
	if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
		Object.freeze(value);
		for (const child of Object.values(value)) deepFreeze(child);
	}
	return value;
}
