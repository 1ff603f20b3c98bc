/** Runs the program as its users do: `node engine <command>`. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../../schema/package-root.ts";

export type Environment = Readonly<Record<string, string>>;

/** Lines of a log worth showing when something went wrong. */
const LOG_TAIL_LINES = 15;
/** The engine stops by itself within SHUTDOWN_TIMEOUT_S (30 s); after this it is ended. */
const STOP_TIMEOUT_MS = 40_000;

/**
 * Runs one command to its end and returns its stdout; stderr goes to the terminal.
 * @throws Error when it does not end with exit code 0.
 */
export async function runCommand(args: readonly string[], environment: Environment): Promise<string> {
	const child = start(args, environment, ["ignore", "pipe", "inherit"]);
	const chunks: Buffer[] = [];
	child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
	const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
	if (code === 0) return Buffer.concat(chunks).toString();
	throw new Error(`"node engine ${args.join(" ")}" ended with ${signal ?? `exit code ${code}`}`);
}

/** An engine that runs in the background. */
export interface RunningEngine {
	readonly pid: number;
	/** Where its HTTP port is. */
	readonly url: string;
	/** Set when it has ended: its exit code, or the signal. */
	readonly ended: () => string | null;
	/** SIGTERM, and the exit code it ends with (null when it had to be killed). */
	stop(): Promise<number | null>;
	/** The end of its log. */
	logTail(): string;
}

export async function startEngine(logFile: string, environment: Environment): Promise<RunningEngine> {
	const port = await freePort();
	const log = openSync(logFile, "a");
	const child = start(
		["start", "--migrate"],
		{ ...environment, HTTP_HOST: "127.0.0.1", HTTP_PORT: `${port}`, LOG_FORMAT: "json" },
		["ignore", log, log],
	);
	await once(child, "spawn");
	let ended: string | null = null;
	child.once("exit", (code, signal) => {
		ended = signal ?? `exit code ${code}`;
	});
	return {
		pid: child.pid!,
		url: `http://127.0.0.1:${port}`,
		ended: () => ended,
		stop: () => stop(child),
		logTail: () => readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n"),
	};
}

async function stop(child: ChildProcess): Promise<number | null> {
	if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
	const exited = once(child, "exit");
	child.kill("SIGTERM");
	const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
	await exited;
	clearTimeout(timer);
	return child.exitCode;
}

function start(
	args: readonly string[],
	environment: Environment,
	stdio: ("ignore" | "pipe" | "inherit" | number)[],
): ChildProcess {
	const root = packageRoot();
	const entry = join(root, "engine", "index.js");
	return spawn(process.execPath, [entry, ...args], {
		cwd: root,
		env: { ...process.env, ...environment },
		stdio,
	});
}

/** A port that was free a moment ago; the engine says so if somebody was faster. */
async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	await once(server, "close");
	if (address === null || typeof address === "string") throw new Error("no free port");
	return address.port;
}
