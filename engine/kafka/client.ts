/** The one place where a kafkajs client is made: time-outs that notice a dead broker, quiet logs, known repairs. */
import { Kafka, type LogEntry, logLevel, type RetryOptions, type SASLOptions } from "kafkajs";
import type { KafkaSettings } from "../config/config.ts";
import type { Log } from "../log.ts";
import { patchBatch } from "./batch-patch.ts";
import { patchBroker } from "./broker-patch.ts";
import { patchClocks } from "./clock-patch.ts";
import { registerCodecs } from "./codecs.ts";
import { patchConnection } from "./connection-patch.ts";
import { patchFetch } from "./fetch-patch.ts";
import { patchJoin } from "./join-patch.ts";
import { patchRequestQueue } from "./request-queue-patch.ts";

/** How a broker is reached; `brokers` is never empty here. */
export interface KafkaConnection extends Pick<KafkaSettings, "clientId" | "ssl" | "sasl"> {
	readonly brokers: readonly string[];
}

/** A half-open connection is found this fast; kafkajs's 30 s is longer than a consumer's session (kafkajs#1163). */
export const REQUEST_TIMEOUT_MS = 5_000;
export const CONNECTION_TIMEOUT_MS = 3_000;

/** Five tries over about eight seconds; whoever waits longer (`start`) tries again himself and says so. */
const RETRY: RetryOptions = { initialRetryTime: 300, maxRetryTime: 3_000, retries: 5, multiplier: 2 };

/** @param retry replaces the default when a caller wants to fail sooner, or never */
export function createKafka(settings: KafkaConnection, log: Log, retry: RetryOptions = RETRY): Kafka {
	patchRequestQueue();
	patchClocks();
	patchBatch();
	patchBroker();
	patchConnection();
	patchFetch();
	patchJoin();
	registerCodecs();
	return new Kafka({
		brokers: [...settings.brokers],
		clientId: settings.clientId,
		...(settings.ssl === false ? {} : { ssl: tlsOf(settings.ssl) }),
		...(settings.sasl === null ? {} : { sasl: settings.sasl as SASLOptions }),
		connectionTimeout: CONNECTION_TIMEOUT_MS,
		requestTimeout: REQUEST_TIMEOUT_MS,
		retry,
		logLevel: log.isLevelEnabled("trace") ? logLevel.DEBUG : logLevel.INFO,
		logCreator: () => logTo(log.child({ component: "kafkajs" })),
	});
}

function tlsOf({ ca, cert, key }: Exclude<KafkaSettings["ssl"], false>) {
	return { ...(ca && { ca: [ca] }), ...(cert && { cert }), ...(key && { key }) };
}

/** Where every failed attempt is an ERROR, though kafkajs tries again by itself: the caller reports what remains. */
const RETRYING = new Set(["Connection", "ConnectionPool", "BrokerPool", "Cluster"]);

/** kafkajs talks a lot: its INFO is our debug, and its ERROR a warning, since our own code decides what an error is. */
function logTo(log: Log): (entry: LogEntry) => void {
	return ({ namespace, level, log: { message, timestamp: _, logger: __, stack: ___, ...fields } }) => {
		const line = namespace === "" ? message : `[${namespace}] ${message}`;
		if (level === logLevel.ERROR && !RETRYING.has(namespace)) log.warn(fields, line);
		else if (level === logLevel.DEBUG) log.trace(fields, line);
		else log.debug(fields, line);
	};
}
