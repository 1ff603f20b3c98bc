/** The engine as a process of its own, the way a person starts it, with its log and its HTTP port to ask. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { EngineStatus } from "../../monitoring/status.ts";
import type { TestDatabase } from "./database.ts";
import { environmentFor } from "./parts.ts";
import { type MetricFamily, parseMetrics } from "./prometheus-text.ts";
import type { TestTopic } from "./topic.ts";
import { waitUntil } from "./wait-until.ts";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	readonly passing: () => boolean;
	comment(...message: string[]): unknown;
	teardown(handler: () => Promise<void>): void;
}

export interface EngineOptions {
	/** Its name and its brokers. */
	readonly topic: Pick<TestTopic, "name" | "brokers">;
	readonly database: Pick<TestDatabase, "settings">;
	/** Default: the name of the topic. */
	readonly groupId?: string;
	/** More environment, over ours. */
	readonly env?: Readonly<Record<string, string>>;
	/** More arguments behind `start --migrate`. */
	readonly args?: readonly string[];
	/** For output when the test fails; default `engine`. */
	readonly label?: string;
	/** Folder of the build to run; default: that of this file. */
	readonly build?: string;
}

/** A line of the log, as pino wrote it. */
export interface LogLine {
	readonly level: string;
	readonly msg: string;
	readonly [field: string]: unknown;
}

export interface Exit {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

export interface EngineProcess {
	readonly pid: number;
	/** Of its HTTP port, without a slash at the end. Throws while it is not known. */
	readonly url: string;
	/** Every line of the log so far. */
	readonly log: readonly LogLine[];
	/** Lines on stderr that are not of the log: how a command tells people what is wrong. */
	readonly errors: readonly string[];
	/** Asks `/api/status`. */
	status(): Promise<EngineStatus>;
	/** Asks `/metrics`. */
	metrics(): Promise<ReadonlyMap<string, MetricFamily>>;
	/** Any path of the HTTP port. */
	get(path: string): Promise<{ readonly status: number; readonly body: string }>;
	/** Sends a signal to this process. */
	kill(signal: NodeJS.Signals): void;
	/** Resolves when it has ended; never rejects. */
	readonly exited: Promise<Exit>;
	/** SIGTERM, and waits for the end. */
	stop(): Promise<Exit>;
	/** Waits until `/readyz` answers 200. */
	ready(): Promise<void>;
}

/** Lines of a failed test's engine that are shown. */
const LINES_SHOWN = 60;
const HTTP_LINE = /^HTTP\s+(http:\/\/\S+)/;

/** Starts an engine and waits until it says where it listens: it has joined the group or is about to. */
export async function startEngine(t: TestWithTeardown, options: EngineOptions): Promise<EngineProcess> {
	const engine = spawnEngine(t, options);
	let ended: Exit | null = null;
	void engine.exited.then((exit) => {
		ended = exit;
	});
	await waitUntil(() => ended !== null || urlIn(engine.log) !== null, { what: "the engine's HTTP port" });
	if (ended !== null) {
		throw new Error(`the engine ended with ${JSON.stringify(ended)} while it started:\n${tailOf(engine)}`);
	}
	return engine;
}

/** The same without waiting, for engines that must refuse to start. Whatever is left of it ends with the test. */
export function spawnEngine(t: TestWithTeardown, options: EngineOptions): EngineProcess {
	const { topic, database, groupId = topic.name, env = {}, args = [], label = "engine", build } = options;
	const main = build === undefined ? MAIN : pathToFileURL(join(build, "engine/main.js")).href;
	const { host, port, user, password, database: name } = database.settings;
	const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
	const child = spawn(
		process.execPath,
		["-e", `import(${JSON.stringify(main)}).then((m) => m.runProcess(process.argv.slice(1)))`].concat(
			["start", "--migrate"],
			args,
		),
		{
			// Away from a checkout's own .env; the file system's root has none.
			cwd: "/",
			stdio: ["ignore", "ignore", "pipe"],
			env: environmentFor({
				KAFKA_BROKERS: topic.brokers.join(","),
				KAFKA_TOPIC: topic.name,
				KAFKA_GROUP_ID: groupId,
				DATABASE_URL: `postgres://${user}${secret}@${host}:${port}/${name}`,
				HTTP_PORT: "0",
				LOG_FORMAT: "json",
				...env,
			}),
		},
	);
	const log: LogLine[] = [];
	const errors: string[] = [];
	createInterface({ input: child.stderr! }).on("line", (line) => {
		const parsed = logLineOf(line);
		if (parsed === null) errors.push(line);
		else log.push(parsed);
	});
	const exited = exitOf(child);
	const engine = engineOf(child, exited, log, errors);
	t.teardown(async () => {
		if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
		await exited;
		if (!t.passing()) t.comment(`last lines of ${label} (pid ${child.pid}):\n${tailOf(engine)}`);
	});
	return engine;
}

/** Of the same build as this file. */
const MAIN = new URL("../../engine/main.js", import.meta.url).href;

function engineOf(
	child: ChildProcess,
	exited: Promise<Exit>,
	log: readonly LogLine[],
	errors: readonly string[],
): EngineProcess {
	const url = (): string => {
		const found = urlIn(log);
		if (found === null) throw new Error("the engine has not said yet where it listens");
		return found;
	};
	const get = async (path: string) => {
		const answer = await fetch(`${url()}${path}`, { signal: AbortSignal.timeout(20_000) });
		return { status: answer.status, body: await answer.text() };
	};
	return {
		pid: child.pid!,
		get url() {
			return url();
		},
		log,
		errors,
		get,
		status: async () => JSON.parse((await get("/api/status")).body) as EngineStatus,
		metrics: async () => parseMetrics((await get("/metrics")).body),
		kill: (signal) => {
			child.kill(signal);
		},
		exited,
		stop: () => {
			child.kill("SIGTERM");
			return exited;
		},
		ready: async () => {
			await waitUntil(async () => (await get("/readyz")).status === 200, { what: "readiness" });
		},
	};
}

async function exitOf(child: ChildProcess): Promise<Exit> {
	// `close` and not `exit`: the last lines of the log are read by then.
	const [code, signal] = await once(child, "close");
	return { code, signal };
}

function urlIn(log: readonly LogLine[]): string | null {
	for (const { msg } of log) {
		const [, url] = HTTP_LINE.exec(msg) ?? [];
		if (url !== undefined) return url.replace(/\/$/, "");
	}
	return null;
}

function logLineOf(line: string): LogLine | null {
	try {
		const parsed: unknown = JSON.parse(line);
		const isLog = typeof parsed === "object" && parsed !== null && "level" in parsed;
		return isLog ? ({ msg: "", ...parsed } as unknown as LogLine) : null;
	} catch {
		return null;
	}
}

function tailOf({ log, errors }: EngineProcess): string {
	return [...log.slice(-LINES_SHOWN).map((line) => JSON.stringify(line)), ...errors].join("\n");
}
