/**
 * Real Kafka brokers on 127.0.0.1 that belong to one test and form one cluster: each is broker and controller, so that
 * any one of three may be lost. Single ones are stopped, killed, frozen and started again. They end with the test, and
 * with its process whatever becomes of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type Admin, Kafka, logLevel } from "kafkajs";
import type { Test } from "tap";
import { freePort, LOOPBACK } from "../../engine/local/free-port.ts";
import { openHome } from "../../engine/local/home.ts";
import { type KafkaPrograms, prepareKafka } from "../../engine/local/kafka-jars.ts";
import { probeBroker } from "../../engine/local/kafka-probe.ts";
import { loggingProperties, serverProperties } from "../../engine/local/kafka-settings.ts";
import { identify } from "../../engine/local/process-identity.ts";
import { packageRoot } from "../../schema/package-root.ts";
import type { HowToStop } from "./own-parts.ts";
import { waitUntil } from "./wait-until.ts";

export interface KafkaCluster {
	/** `host:port` of each. */
	readonly brokers: readonly string[];
	readonly nodes: readonly KafkaNode[];
	/** A client that is patient with elections; closed when the test ends. */
	readonly admin: Admin;
	/** Waits until every partition of these topics has a leader and all its copies in sync. */
	whole(topics: readonly string[]): Promise<void>;
	/** Leader by partition, as the cluster says now; -1: none. */
	leaders(topic: string): Promise<readonly number[]>;
}

export interface KafkaNode {
	/** From 1, as in `leaders`. */
	readonly id: number;
	/** Resolves when the process is gone. */
	stop(how: HowToStop): Promise<void>;
	/** SIGSTOP: connections stay open, nothing answers. */
	freeze(): void;
	thaw(): void;
	/** On the same port, with the same data; resolves when all nodes that run know each other again. */
	startAgain(): Promise<void>;
}

interface Node {
	readonly id: number;
	readonly port: number;
	readonly controllerPort: number;
	readonly folder: string;
	running: { readonly keeper: ChildProcess; readonly pid: number } | null;
}

/** Three of them beside a Postgres and some engines have to fit into a small CI machine. */
const HEAP_MB = 256;
const READY_WITHIN_MS = 90_000;
const GONE_WITHIN_MS = 30_000;
/** Below the range of outgoing connections: nobody takes the port of a broker that is away. */
const PORT_MIN = 20_000;
const PORT_MAX = 31_999;

/** Elections come quickly, and leaders go back to where they were, so that a short test sees many of them. */
const QUICK: Readonly<Record<string, string>> = {
	"broker.heartbeat.interval.ms": "500",
	"broker.session.timeout.ms": "3000",
	"replica.lag.time.max.ms": "4000",
	"controller.quorum.fetch.timeout.ms": "2000",
	"controller.quorum.election.timeout.ms": "500",
	"auto.leader.rebalance.enable": "true",
	"leader.imbalance.check.interval.seconds": "3",
	"leader.imbalance.per.broker.percentage": "0",
};

/** No acknowledged message is lost with one broker: three copies, two of them in sync, no unclean elections. */
const THREE_COPIES: Readonly<Record<string, string>> = {
	"offsets.topic.replication.factor": "3",
	"transaction.state.log.replication.factor": "3",
	"transaction.state.log.min.isr": "2",
	"share.coordinator.state.topic.replication.factor": "3",
	"share.coordinator.state.topic.min.isr": "2",
	"default.replication.factor": "3",
	"min.insync.replicas": "2",
	"unclean.leader.election.enable": "false",
};

/** Three start in about five seconds on two cores. Throws UnavailableError without Java or Maven. */
export async function startKafkaCluster(t: Test, count: 1 | 3): Promise<KafkaCluster> {
	const home = openHome(resolve(packageRoot(), `.engine-test-${randomBytes(4).toString("hex")}`));
	const nodes: Node[] = [];
	const admins: Admin[] = [];
	t.teardown(async () => {
		for (const admin of admins) await admin.disconnect();
		await Promise.all(nodes.map((node) => end(node, "SIGKILL")));
		if (!t.passing()) for (const node of nodes) t.comment(`broker ${node.id}:\n${tailOf(node)}`);
		rmSync(home, { recursive: true, force: true, maxRetries: 3 });
	});
	const programs = await prepareKafka(home, (line) => t.comment(line));
	const clusterId = `k${randomBytes(16).toString("base64url").slice(0, 21)}`;
	for (let id = 1; id <= count; id++) {
		const folder = join(home, `broker-${id}`);
		mkdirSync(folder);
		const port = await unusedPort();
		nodes.push({ id, port, controllerPort: await unusedPort(), folder, running: null });
	}
	for (const node of nodes) writeSettings(node, nodes, clusterId);
	await format(programs, nodes, clusterId);
	const together = async (): Promise<void> => {
		const alive = nodes.filter(({ running }) => running !== null);
		await waitUntil(
			async () => {
				const seen = await Promise.all(alive.map(({ port }) => probeBroker(port)));
				return seen.every((one) => one?.clusterId === clusterId && one.brokerCount === alive.length);
			},
			{ what: `${alive.length} brokers that know each other`, deadlineMs: READY_WITHIN_MS, everyMs: 100 },
		);
	};
	await Promise.all(nodes.map((node) => run(node, programs)));
	await together();

	const brokers = nodes.map(({ port }) => `${LOOPBACK}:${port}`);
	const retry = { initialRetryTime: 200, maxRetryTime: 1_000, retries: 60 };
	const kafka = new Kafka({
		clientId: "test",
		brokers,
		logLevel: logLevel.NOTHING,
		requestTimeout: 5_000,
		retry,
	});
	const admin = kafka.admin();
	await admin.connect();
	admins.push(admin);
	return {
		brokers,
		admin,
		nodes: nodes.map((node) => ({
			id: node.id,
			stop: (how) => end(node, how === "orderly" ? "SIGTERM" : "SIGKILL"),
			freeze: () => void process.kill(pidOf(node), "SIGSTOP"),
			thaw: () => void process.kill(pidOf(node), "SIGCONT"),
			startAgain: async () => {
				await run(node, programs);
				await together();
			},
		})),
		async whole(topics) {
			await waitUntil(
				async () => {
					const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] });
					const partitions = found.flatMap((topic) => topic.partitions);
					return partitions.every(
						({ leader, isr, replicas }) => leader > 0 && isr.length === replicas.length,
					);
				},
				{ what: "all copies in sync", deadlineMs: READY_WITHIN_MS, everyMs: 200 },
			);
		},
		async leaders(topic) {
			const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
			const partitions = [...(topics[0]?.partitions ?? [])].sort((a, b) => a.partitionId - b.partitionId);
			return partitions.map(({ leader }) => leader);
		},
	};
}

async function unusedPort(): Promise<number> {
	for (;;) {
		const wanted = randomInt(PORT_MIN, PORT_MAX);
		if ((await freePort(wanted)) === wanted) return wanted;
	}
}

function writeSettings(node: Node, all: readonly Node[], clusterId: string): void {
	const { id, port, controllerPort, folder } = node;
	const change = {
		...QUICK,
		...(all.length === 3 ? THREE_COPIES : {}),
		"node.id": String(id),
		"controller.quorum.voters": all.map((one) => `${one.id}@${LOOPBACK}:${one.controllerPort}`).join(),
	};
	// Of a key that stands twice Java takes the last.
	const lines = Object.entries(change).map(([key, value]) => `${key}=${value}\n`);
	const own = serverProperties({ port, controllerPort, clusterId }, join(folder, "data"));
	writeFileSync(settingsOf(node), own + lines.join(""));
	writeFileSync(join(folder, "log4j2.properties"), loggingProperties());
}

/** One run of the tool formats the first node; the others get a copy under their own ids, which saves their JVMs. */
async function format(programs: KafkaPrograms, nodes: readonly Node[], clusterId: string): Promise<void> {
	const [first, ...others] = nodes as [Node, ...Node[]];
	const tool = ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", settingsOf(first)];
	const child = spawn(programs.java, [...javaArgs(first, programs), ...tool], {
		stdio: ["ignore", "pipe", "pipe"],
		env: environment(first),
	});
	let said = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
	const [code] = await once(child, "close");
	if (code !== 0) throw new Error(`the storage could not be formatted (${code}):\n${said}`);
	for (const node of others) {
		const data = join(node.folder, "data");
		cpSync(join(first.folder, "data"), data, { recursive: true });
		const meta = join(data, "meta.properties");
		const text = readFileSync(meta, "utf8")
			.replace(/^node\.id=.*$/m, `node.id=${node.id}`)
			.replace(/^directory\.id=.*$/m, `directory.id=d${randomBytes(16).toString("base64url").slice(0, 21)}`);
		writeFileSync(meta, text);
	}
}

/**
 * The broker under a shell that kills it when the pipe to us closes: a test that is killed itself leaves no broker
 * behind. The first line on its output is the broker's process id.
 */
const KEEP = `
log=$1; shift
"$@" >>"$log" 2>&1 </dev/null &
broker=$!
echo $broker
cat >/dev/null
kill -9 $broker 2>/dev/null
`;

async function run(node: Node, programs: KafkaPrograms): Promise<void> {
	const command = [programs.java, ...javaArgs(node, programs), "kafka.Kafka", settingsOf(node)];
	const keeper = spawn("/bin/sh", ["-c", KEEP, "kafka-cluster", logOf(node), ...command], {
		stdio: ["pipe", "pipe", "ignore"],
		// Out of reach of a Ctrl-C in the terminal: the test ends them in its order.
		detached: true,
		env: environment(node),
		cwd: node.folder,
	});
	const [line] = (await once(createInterface({ input: keeper.stdout! }), "line")) as [string];
	node.running = { keeper, pid: Number(line) };
}

async function end(node: Node, signal: NodeJS.Signals): Promise<void> {
	if (node.running === null) return;
	const { keeper, pid } = node.running;
	node.running = null;
	if (identify(pid) !== null) {
		process.kill(pid, signal);
		// A frozen one would not hear of anything else.
		if (signal !== "SIGKILL") process.kill(pid, "SIGCONT");
	}
	await waitUntil(() => identify(pid) === null, {
		what: `the end of broker ${node.id}`,
		deadlineMs: GONE_WITHIN_MS,
		everyMs: 20,
	});
	const closed = once(keeper, "exit");
	keeper.stdin!.end();
	await closed;
}

function pidOf(node: Node): number {
	if (node.running === null) throw new Error(`broker ${node.id} does not run`);
	return node.running.pid;
}

function settingsOf(node: Node): string {
	return join(node.folder, "server.properties");
}

function logOf(node: Node): string {
	return join(node.folder, "broker.log");
}

function tailOf(node: Node): string {
	try {
		return readFileSync(logOf(node), "utf8").trimEnd().split("\n").slice(-15).join("\n");
	} catch {
		return "it wrote nothing";
	}
}

function javaArgs(node: Node, { libs }: KafkaPrograms): readonly string[] {
	return [
		`-Xmx${HEAP_MB}m`,
		// A broker of a test lives for a minute: compiling it well costs more than it brings.
		"-XX:TieredStopAtLevel=1",
		"-XX:+UseSerialGC",
		"-XX:-UsePerfData",
		"-Djava.awt.headless=true",
		`-Dlog4j2.configurationFile=${join(node.folder, "log4j2.properties")}`,
		"-cp",
		`${libs}/*`,
	];
}

function environment(node: Node): Record<string, string> {
	return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: node.folder, LC_ALL: "C", TZ: "UTC" };
}
