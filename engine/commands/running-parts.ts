/** Kafka and Postgres for commands that use what runs, and start nothing: what is configured, else what an engine has started. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { UnavailableError } from "../errors.ts";
import type { KafkaConnection } from "../kafka/client.ts";
import { findRecorded } from "../local/detached.ts";
import { readJson } from "../local/home.ts";
import type { PostgresSettings } from "../sink/settings.ts";

const LOOPBACK = "127.0.0.1";

/** Brokers of the embedded Kafka that runs under this home, or null. */
export function runningKafka(home: string): readonly string[] | null {
	const folder = join(home, "kafka");
	const address = readJson<{ port: number }>(join(folder, "address.json"));
	const isRunning = findRecorded(join(folder, "pid"), join(folder, "server.properties")) !== null;
	return isRunning && address !== null ? [`${LOOPBACK}:${address.port}`] : null;
}

/**
 * How to reach the embedded Postgres of this home, or null when it never ran there. Whether it runs now is seen by
 * connecting: as root its files are somewhere else.
 */
export function rememberedPostgres(home: string): PostgresSettings | null {
	const state = readJson<{ port: number; user: string }>(join(home, "postgres.json"));
	if (state === null) return null;
	try {
		const password = readFileSync(join(home, "postgres.password"), "utf8").trim();
		return { host: LOOPBACK, port: state.port, user: state.user, password, database: "lottery", ssl: false };
	} catch {
		return null;
	}
}

/** @throws {UnavailableError} when none is configured and none runs */
export function kafkaOf({ kafka, engineHome }: Config): KafkaConnection {
	const brokers = kafka.brokers ?? runningKafka(engineHome);
	if (brokers !== null) return { ...kafka, brokers };
	throw new UnavailableError(
		"Kafka",
		`KAFKA_BROKERS is not set, and no embedded Kafka runs under ${engineHome}`,
		"start one with `node engine start` in another terminal, or set KAFKA_BROKERS=host:9092",
	);
}

/** @throws {UnavailableError} when none is configured and none was ever started */
export function postgresOf({ postgres, engineHome }: Config): PostgresSettings {
	const settings = postgres ?? rememberedPostgres(engineHome);
	if (settings !== null) return settings;
	throw new UnavailableError(
		"Postgres",
		`neither DATABASE_URL nor PGHOST is set, and there is no embedded Postgres under ${engineHome}`,
		"start one with `node engine start` in another terminal, or set DATABASE_URL",
	);
}
