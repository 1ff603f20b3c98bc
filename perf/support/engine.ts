/** Engines of a scenario, driven from outside as their users do: `node engine start`, signals, HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { type Environment, engineCommand } from "./program.ts";

export interface EngineRequest {
	/** Name of the topic. */
	readonly topic: string;
	/** Of the run's database, or of a proxy before it. */
	readonly databaseUrl: string;
	/** As in KAFKA_BROKERS; default: those of the places. Set it to put a proxy before Kafka. */
	readonly brokers?: string;
	/** Consumer group; default: the topic's name and the database's. Engines that share a topic's work share it. */
	readonly groupId?: string;
	/** More settings over the defaults, such as `{ FLUSH_ROWS_MAX: "40000" }`; `--set` wins. */
	readonly settings?: Environment;
	/** For its log file and the notes; default `engine`. */
	readonly label?: string;
	/** Arguments for Node itself, such as `--cpu-prof`. */
	readonly nodeArguments?: readonly string[];
}

export interface PerfEngine {
	readonly pid: number;
	/** Of its HTTP port: `http://127.0.0.1:1234`. */
	readonly url: string;
	readonly logFile: string;
	/** When the process was started, in ms since 1970. */
	readonly startedAtMs: number;
	/** Null while it runs, else how it ended: `exit code 1`, `SIGKILL`. */
	ended(): string | null;
	/** SIGTERM, and waits. @throws Error when it does not end with exit code 0; does nothing when it has ended */
	stop(): Promise<void>;
	/** SIGKILL, and waits: what a crash of the process is to the world. */
	kill(): Promise<void>;
	/** SIGSTOP: sockets stay open, nothing answers. */
	freeze(): void;
	/** SIGCONT. */
	thaw(): void;
	/** The end of its log, for errors. */
	logTail(): string;
}

/** Lines of a log worth showing when something went wrong. */
const LOG_TAIL_LINES = 15;
/** The engine stops by itself within SHUTDOWN_TIMEOUT_S (30 s); after this it is ended. */
const STOP_TIMEOUT_MS = 40_000;

/** @param logFile is made or added to */
export async function startEngine(
	logFile: string,
	environment: Environment,
	nodeArguments: readonly string[] = [],
) {
	const port = await freePort();
	const log = openSync(logFile, "a");
	const startedAtMs = Date.now();
	const [program, ...args] = engineCommand(["start", "--migrate"], nodeArguments);
	const child = spawn(program, args, {
		// Away from a checkout's own .env, whose settings would be measured without being reported.
		cwd: "/",
		env: {
			...outerEnvironment(),
			HTTP_HOST: "127.0.0.1",
			HTTP_PORT: `${port}`,
			LOG_FORMAT: "json",
			...environment,
		},
		stdio: ["ignore", log, log],
	});
	closeSync(log);
	await once(child, "spawn");
	return engineOf(child, { url: `http://127.0.0.1:${port}`, logFile, startedAtMs });
}

function engineOf(
	child: ChildProcess,
	about: Pick<PerfEngine, "url" | "logFile" | "startedAtMs">,
): PerfEngine {
	const ended = () => child.signalCode ?? (child.exitCode === null ? null : `exit code ${child.exitCode}`);
	const tail = () =>
		readFileSync(about.logFile, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
	return {
		...about,
		pid: child.pid!,
		ended,
		async stop() {
			if (ended() !== null) return;
			await end(child, "SIGTERM");
			if (ended() === "exit code 0") return;
			throw new Error(`the engine ended with ${ended()} after SIGTERM; log: ${about.logFile}\n${tail()}`);
		},
		async kill() {
			if (ended() === null) await end(child, "SIGKILL");
		},
		freeze: () => void child.kill("SIGSTOP"),
		thaw: () => void child.kill("SIGCONT"),
		logTail: tail,
	};
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	const exited = once(child, "exit");
	child.kill(signal);
	// A frozen process sees SIGTERM only when it goes on.
	child.kill("SIGCONT");
	const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
	await exited;
	clearTimeout(timer);
}

/** Ours less every setting of the engine: only what the scenario says decides, and the result tells all of it. */
function outerEnvironment(): NodeJS.ProcessEnv {
	const settings =
		/^(PG[A-Z]+|KAFKA_.*|DATABASE_URL|POSTGRES_.*|BOOTSTRAP_SERVERS|ENGINE_.*|HTTP_.*|LOG_.*|FLUSH_.*|ACTORS|IN_FLIGHT_.*|NODE_OPTIONS|TAP.*)$/;
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.test(name)));
}
