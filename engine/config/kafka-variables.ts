/** The rows of Kafka. */
import { boolean, brokerList, integer, oneOf, pem, text, topicName } from "./parsers.ts";
import { variable } from "./variable.ts";

/** The group coordinator refuses shorter sessions (`group.min.session.timeout.ms`) and longer ones (`group.max...`). */
export const SESSION_TIMEOUT_MS_MIN = 6_000;
export const SESSION_TIMEOUT_MS_MAX = 1_800_000;

/** How often the consumer says it is alive. Three may be lost before a session ends, see `assertRelations` in relations.ts. */
export const HEARTBEAT_INTERVAL_MS = 1_000;

export const KAFKA_VARIABLES = {
	KAFKA_BROKERS: variable({
		group: "kafka",
		description: "Kafka to read from; without it an embedded Apache Kafka is started",
		parser: brokerList,
		defaultText: null,
		aliases: ["BOOTSTRAP_SERVERS"],
		flag: "--brokers <host:port,...>",
	}),
	KAFKA_TOPIC: variable({
		group: "kafka",
		description: "topic of the events",
		parser: topicName,
		defaultText: "user_events",
		flag: "--topic <name>",
	}),
	KAFKA_GROUP_ID: variable({
		group: "engine",
		description: "consumer group; engines with the same one share the partitions",
		parser: text(249),
		defaultText: "lottery-engine",
		flag: "--group <id>",
	}),
	KAFKA_CLIENT_ID: variable({
		group: "kafka",
		description: "name under which the broker's logs and quotas know this process",
		parser: text(249),
		defaultText: "lottery-engine",
	}),
	KAFKA_SSL: variable({
		group: "kafka",
		description: "talk TLS to Kafka",
		parser: boolean,
		defaultText: "false",
	}),
	KAFKA_SSL_CA: variable({
		group: "kafka",
		description: "certificate authority of the brokers, when the system does not know it",
		parser: pem,
		defaultText: null,
		hasFile: true,
	}),
	KAFKA_SSL_CERT: variable({
		group: "kafka",
		description: "client certificate, for mutual TLS",
		parser: pem,
		defaultText: null,
		hasFile: true,
	}),
	KAFKA_SSL_KEY: variable({
		group: "kafka",
		description: "private key of the client certificate",
		parser: pem,
		defaultText: null,
		secret: "whole",
		hasFile: true,
	}),
	KAFKA_SASL_MECHANISM: variable({
		group: "kafka",
		description: "how to log in to Kafka; needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
		parser: oneOf(["plain", "scram-sha-256", "scram-sha-512"]),
		defaultText: null,
	}),
	KAFKA_SASL_USERNAME: variable({
		group: "kafka",
		description: "Kafka user",
		parser: text(256),
		defaultText: null,
	}),
	KAFKA_SASL_PASSWORD: variable({
		group: "kafka",
		description: "password of the Kafka user",
		parser: text(4096),
		defaultText: null,
		secret: "whole",
		hasFile: true,
	}),
	KAFKA_SESSION_TIMEOUT_MS: variable({
		group: "kafka",
		description: "silence after which Kafka gives this engine's partitions to another",
		parser: integer(SESSION_TIMEOUT_MS_MIN, SESSION_TIMEOUT_MS_MAX, "milliseconds"),
		defaultText: "10000",
	}),
	KAFKA_DECODER: variable({
		group: "kafka",
		description:
			"who reads record batches: our scanner, or kafkajs's own decoder at three times its cost, should the scanner ever be in doubt",
		parser: oneOf(["scanner", "kafkajs"]),
		defaultText: "scanner",
	}),
} as const;
