/** Kafka and Postgres for commands that use what runs, and start nothing: what is configured, else what an engine has started. */
import type { Config } from "../config/config.ts";
import { UnavailableError } from "../errors.ts";
import type { KafkaConnection } from "../kafka/client.ts";
import { rememberedPostgres, runningKafka } from "../local/running.ts";
import type { PostgresSettings } from "../sink/settings.ts";

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
