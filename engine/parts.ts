import type { Config } from "./config/config.ts";
import { createKafka, type KafkaConnection } from "./kafka/client.ts";
import { createTopic } from "./kafka/topic.ts";
import { openHome } from "./local/home.ts";
import { startKafka } from "./local/kafka.ts";
import { prepareKafka } from "./local/kafka-jars.ts";
import { type LocalPostgres, startPostgres } from "./local/postgres.ts";
import type { Log } from "./log.ts";
import type { PostgresSettings } from "./sink/settings.ts";

/** Where Postgres is, and how to let go of it when it is ours. */
export interface PostgresPart {
	readonly postgres: PostgresSettings;
	readonly postgresIsEmbedded: boolean;
	/** Stops what this call started and nobody else uses. */
	release(): Promise<void>;
}

/** The same with Kafka. */
export interface Parts extends PostgresPart {
	readonly kafka: KafkaConnection;
	readonly kafkaIsEmbedded: boolean;
}

/** Starts Postgres when the configuration leaves it to us; for a file, which needs no Kafka. */
export async function openPostgres(config: Config, log: Log): Promise<PostgresPart> {
	const local = config.postgres === null ? await startPostgres(optionsOf(config, log)) : null;
	return {
		postgres: local === null ? config.postgres! : settingsOf(local),
		postgresIsEmbedded: local !== null,
		release: async () => {
			await local?.stop();
		},
	};
}

/** Starts the parts that the configuration leaves to us, both at a time; nothing else is touched. */
export async function openParts(config: Config, log: Log): Promise<Parts> {
	const { brokers } = config.kafka;
	const options = optionsOf(config, log);
	// Before Postgres is made: without Java the answer comes at once.
	if (brokers === null) await prepareKafka(openHome(config.engineHome), options.progress);
	const [postgres, kafka] = await Promise.allSettled([
		config.postgres === null ? startPostgres(options) : null,
		brokers === null ? startKafka(options) : null,
	]);
	const release = async (): Promise<void> => {
		await Promise.all(
			[postgres, kafka].map((part) => (part.status === "fulfilled" ? part.value?.stop() : undefined)),
		);
	};
	if (postgres.status === "rejected" || kafka.status === "rejected") {
		await release();
		throw postgres.status === "rejected" ? postgres.reason : (kafka as PromiseRejectedResult).reason;
	}
	const { clientId, ssl, sasl } = config.kafka;
	const local = postgres.value;
	return {
		kafka: { clientId, ssl, sasl, brokers: kafka.value?.brokers ?? brokers! },
		postgres: local === null ? config.postgres! : settingsOf(local),
		kafkaIsEmbedded: kafka.value !== null,
		postgresIsEmbedded: local !== null,
		release,
	};
}

function optionsOf({ engineHome }: Config, log: Log) {
	return {
		home: engineHome,
		log,
		progress: (line: string) => log.info({ component: "local" }, line),
	};
}

function settingsOf({ host, port, user, password, database }: LocalPostgres): PostgresSettings {
	return { host, port, user, password, database, ssl: false };
}

/** Makes the topic on the embedded broker; an external one has its own ideas about partitions and replicas. */
export async function ensureEmbeddedTopic(
	parts: Parts,
	topic: string,
	partitions: number,
	log: Log,
): Promise<void> {
	if (!parts.kafkaIsEmbedded) return;
	if (await createTopic(createKafka(parts.kafka, log), topic, partitions)) {
		log.info({ component: "start" }, `created topic ${topic} with ${partitions} partitions`);
	}
}

/** `DATABASE_URL` of a Postgres, for people and for other programs. */
export function urlOf(settings: PostgresSettings): string {
	if ("connectionString" in settings) return settings.connectionString;
	const { host, port, user, password, database } = settings;
	const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
	return `postgres://${encodeURIComponent(user)}${secret}@${host}:${port}/${encodeURIComponent(database)}`;
}
