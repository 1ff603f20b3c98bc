/** The embedded Apache Kafka 4.4: one real broker on 127.0.0.1 that is its own controller. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UnavailableError } from "../errors.ts";
import { freePort, LOOPBACK } from "./free-port.ts";
import { openHome, readJson, writeFileAtomic } from "./home.ts";
import { type KafkaPrograms, prepareKafka } from "./kafka-jars.ts";
import { probeBroker } from "./kafka-probe.ts";
import { type KafkaAddress, loggingProperties, serverProperties } from "./kafka-settings.ts";
import { withLock } from "./lock.ts";
import { findOrStart, lockFile, lockOptions, type PartKind, type StartOptions } from "./part.ts";

export interface LocalKafka {
	/** One `host:port`. */
	readonly brokers: string[];
	readonly port: number;
	readonly pid: number;
	/** It was running already, since an engine was killed or another one uses it. */
	readonly reused: boolean;
	/** Ends our use; an orderly shutdown, unless another living engine uses it. Safe twice. */
	stop(): Promise<void>;
}

export interface StartKafkaOptions extends StartOptions {
	/** Java heap, in MB. Default 512: 340 MB resident. */
	readonly heapMb?: number;
}

const TITLE = "embedded Kafka";
const HEAP_MB = 512;
/** A plain start takes 2 s; recovery of large logs after a kill longer. */
const READY_TIMEOUT_MS = 90_000;
const FORMAT_TIMEOUT_MS = 60_000;
const CLUSTER_ID_BYTES = 16;

/** Files and folders under `<home>/kafka`. */
interface Layout {
	readonly folder: string;
	readonly data: string;
	/** Its presence says that the data folder was formatted to the end. */
	readonly formatted: string;
	readonly settings: string;
	readonly logging: string;
	readonly address: string;
	readonly pidFile: string;
}

/**
 * Finds the running one of this home, or starts it; fetches Kafka before the first start on this machine.
 * @throws UnavailableError without Java or Maven, or when it does not start, with the next step
 */
export async function startKafka(options: StartKafkaOptions): Promise<LocalKafka> {
	const progress = options.progress ?? ((line: string) => options.log.info(line));
	const home = openHome(options.home);
	return withLock(lockFile(home, "kafka"), lockOptions(TITLE, progress), async () => {
		const layout = openLayout(home);
		const programs = await prepareKafka(home, progress);
		const kind = kafkaKind(layout, programs, join(home, "kafka.log"), options.heapMb ?? HEAP_MB);
		const part = await findOrStart(home, kind, progress);
		return {
			brokers: [`${LOOPBACK}:${part.address.port}`],
			port: part.address.port,
			pid: part.pid,
			reused: part.reused,
			stop: part.stop,
		};
	});
}

function openLayout(home: string): Layout {
	const folder = join(home, "kafka");
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	return {
		folder,
		data: join(folder, "data"),
		formatted: join(folder, "formatted"),
		settings: join(folder, "server.properties"),
		logging: join(folder, "log4j2.properties"),
		address: join(folder, "address.json"),
		pidFile: join(folder, "pid"),
	};
}

function kafkaKind(
	layout: Layout,
	programs: KafkaPrograms,
	logFile: string,
	heapMb: number,
): PartKind<KafkaAddress> {
	const remembered = () => readJson<KafkaAddress>(layout.address);
	return {
		name: "kafka",
		title: TITLE,
		pidFile: layout.pidFile,
		logFile,
		mark: layout.settings,
		readyTimeoutMs: READY_TIMEOUT_MS,
		stopSteps: [
			{ signal: "SIGTERM", waitMs: 20_000 },
			{ signal: "SIGKILL", waitMs: 5_000 },
		],
		rememberedAddress: remembered,
		async attempt() {
			const address = await chooseAddress(remembered());
			writeFileAtomic(layout.address, `${JSON.stringify(address)}\n`);
			writeFileSync(layout.settings, serverProperties(address, layout.data), { mode: 0o600 });
			writeFileSync(layout.logging, loggingProperties(), { mode: 0o600 });
			formatOnce(layout, programs, address.clusterId);
			return {
				address,
				command: {
					command: programs.java,
					args: [
						`-Xmx${heapMb}m`,
						"-Xms128m",
						// Compiling everything well costs a broker on a small machine more than it gives in the first minutes: half of
						// its CPU in a drain of four seconds (perf/README.md).
						"-XX:TieredStopAtLevel=1",
						"-XX:+ExitOnOutOfMemoryError",
						...javaArgs(layout, programs),
						"kafka.Kafka",
						layout.settings,
					],
					env: javaEnvironment(layout),
					cwd: layout.folder,
					logFile,
					pidFile: layout.pidFile,
					runAs: null,
				},
			};
		},
		async isReady({ port, clusterId }) {
			const broker = await probeBroker(port);
			return (
				broker !== null &&
				broker.clusterId === clusterId &&
				broker.brokerCount > 0 &&
				broker.controllerId >= 0
			);
		},
	};
}

/** The ports of the last time when they are free, so that what people wrote down stays true. */
async function chooseAddress(last: KafkaAddress | null): Promise<KafkaAddress> {
	const port = await freePort(last?.port);
	let controllerPort = await freePort(last?.controllerPort);
	while (controllerPort === port) controllerPort = await freePort();
	return { port, controllerPort, clusterId: last?.clusterId ?? newClusterId() };
}

/** Kafka reads its tools' arguments: an id with a leading dash would be an option. */
function newClusterId(): string {
	const id = randomBytes(CLUSTER_ID_BYTES).toString("base64url");
	return id.startsWith("-") ? newClusterId() : id;
}

/** @throws UnavailableError with what the tool said */
function formatOnce(layout: Layout, programs: KafkaPrograms, clusterId: string): void {
	if (existsSync(layout.formatted)) return;
	rmSync(layout.data, { recursive: true, force: true });
	const args = [
		...javaArgs(layout, programs),
		"kafka.tools.StorageTool",
		"format",
		"-t",
		clusterId,
		"-c",
		layout.settings,
	];
	const done = spawnSync(programs.java, args, {
		encoding: "utf8",
		timeout: FORMAT_TIMEOUT_MS,
		cwd: layout.folder,
		env: javaEnvironment(layout),
	});
	if (done.status !== 0) {
		const said = `${done.stderr ?? ""}${done.stdout ?? ""}`.trim().split("\n").slice(-8).join("\n");
		throw new UnavailableError(
			TITLE,
			`Kafka's storage could not be formatted (${done.error?.message ?? done.signal ?? `exit ${done.status}`}):\n${said}`,
			`make room or rights in ${layout.folder}, or set KAFKA_BROKERS to a Kafka you have`,
		);
	}
	writeFileSync(layout.formatted, `${clusterId}\n`, { mode: 0o600 });
}

function javaArgs(layout: Layout, programs: KafkaPrograms): readonly string[] {
	return [
		"-Djava.awt.headless=true",
		// Without it every JVM leaves a file in the shared temporary folder.
		"-XX:-UsePerfData",
		`-Dlog4j2.configurationFile=${layout.logging}`,
		"-cp",
		`${programs.libs}/*`,
	];
}

/** All of the environment that Kafka gets: with ours, JAVA_TOOL_OPTIONS or KAFKA_OPTS would change what it does. */
function javaEnvironment(layout: Layout): Record<string, string> {
	return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: layout.folder, LC_ALL: "C", TZ: "UTC" };
}
