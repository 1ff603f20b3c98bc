/** The files of a Kafka of one node that serves one machine. Pure. */

export interface KafkaAddress {
	readonly port: number;
	/** Of the node's own controller; nobody else connects to it. */
	readonly controllerPort: number;
	/** Kafka's 22 characters of base64url; the name by which the broker is recognised. */
	readonly clusterId: string;
}

/** server.properties. */
export function serverProperties(address: KafkaAddress, dataFolder: string): string {
	return propertiesText({
		"process.roles": "broker,controller",
		"node.id": "1",
		"controller.quorum.voters": `1@127.0.0.1:${address.controllerPort}`,
		"controller.listener.names": "CONTROLLER",
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"inter.broker.listener.name": "PLAINTEXT",
		listeners: `PLAINTEXT://127.0.0.1:${address.port},CONTROLLER://127.0.0.1:${address.controllerPort}`,
		"advertised.listeners": `PLAINTEXT://127.0.0.1:${address.port}`,
		"log.dirs": dataFolder,
		// One node is all there is: with the default of three copies these topics are never made, and no group forms.
		"offsets.topic.replication.factor": "1",
		"offsets.topic.num.partitions": "4",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr": "1",
		"transaction.state.log.num.partitions": "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr": "1",
		"share.coordinator.state.topic.num.partitions": "1",
		"default.replication.factor": "1",
		"min.insync.replicas": "1",
		"auto.create.topics.enable": "false",
		// Nobody else is coming: waiting 3 s for more members only delays the first batch.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms": "1000",
		// For ever. Retention goes by the records' timestamps, so that replayed old events would vanish at once.
		"log.retention.ms": "-1",
		"log.retention.bytes": "-1",
		// Left to the system, 30 s of records are written at once, and a commit of Postgres on the same disk waits for it.
		"log.flush.interval.ms": "1000",
		"log.flush.scheduler.interval.ms": "1000",
		// Indexes are preallocated: 10 MB twice per partition by default.
		"log.index.size.max.bytes": String(1024 * 1024),
		"log.cleaner.dedupe.buffer.size": String(16 * 1024 * 1024),
		"num.network.threads": "2",
		"num.io.threads": "4",
		"num.recovery.threads.per.data.dir": "2",
	});
}

/** log4j2.properties: warnings, and that it has started, to standard output, which is the log file. */
export function loggingProperties(): string {
	return propertiesText({
		status: "error",
		"appender.console.type": "Console",
		"appender.console.name": "console",
		"appender.console.layout.type": "PatternLayout",
		"appender.console.layout.pattern": "%d{ISO8601} %-5p %c{1}: %m%n",
		"rootLogger.level": "warn",
		"rootLogger.appenderRef.console.ref": "console",
		"logger.server.name": "kafka.server.KafkaRaftServer",
		"logger.server.level": "info",
	});
}

/** Java reads a backslash as an escape, and blanks at the start of a value are dropped. */
function propertiesText(settings: Readonly<Record<string, string>>): string {
	const lines = Object.entries(settings).map(([key, value]) => `${key}=${value.replaceAll("\\", "\\\\")}`);
	return `${lines.join("\n")}\n`;
}
