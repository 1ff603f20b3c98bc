/**
 * `node perf drain`: how fast the engine empties a full topic into an empty database, and whether all of it is right.
 *
 * The program is driven from outside, as its users drive it. A figure is only reported for a run whose database was
 * checked, row by row, against what was sent.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createRunDatabase, type RunDatabase } from "./support/database.ts";
import { DRAIN_HELP, type DrainOptions, OptionError, parseDrainOptions } from "./support/drain-options.ts";
import { type Measurement, resultOf, resultsFolder, saveResult, tableOf } from "./support/measurement.ts";
import { findPlaces, type Places } from "./support/places.ts";
import { cpuSeconds, listenerPid, peakMemoryBytes } from "./support/process-usage.ts";
import { type RunningEngine, runCommand, startEngine } from "./support/program.ts";
import { type Progress, waitFor } from "./support/status-poll.ts";
import { createTopic, type Topic } from "./support/topic.ts";

/** Longest time without any change of the status: starting, a recovery and a slow disk all stay below it. */
const STALL_TIMEOUT_MS = 60_000;

/** Returns the exit code: 0 measured, 1 something went wrong or does not add up, 2 wrong options. */
export async function run(args: readonly string[]): Promise<number> {
	try {
		const options = parseDrainOptions(args);
		if (options === "help") console.log(DRAIN_HELP);
		else await drain(options);
		return 0;
	} catch (error) {
		const usage = error instanceof OptionError;
		console.error(usage ? `${error.message}\n\n${DRAIN_HELP}` : `drain failed: ${(error as Error).message}`);
		return usage ? 2 : 1;
	}
}

async function drain(options: DrainOptions): Promise<void> {
	const name = `perf_drain_${randomBytes(4).toString("hex")}`;
	const places = await findPlaces(process.env);
	try {
		const topic = await createTopic(places.brokers, name, options.partitions);
		try {
			const sent = await fill(topic, name, places, options);
			const runs: Measurement[] = [];
			for (let number = 1; number <= options.runs; number++) {
				note(`run ${number} of ${options.runs}`);
				runs.push(await measure(places, { topic: name, run: `${name}_${number}`, sent }));
			}
			const result = resultOf("drain", options, runs);
			const path = saveResult(result);
			console.log(options.json ? JSON.stringify(result) : tableOf(runs));
			note(`written to ${path}`);
		} finally {
			await topic.remove();
		}
	} finally {
		await places.release();
	}
}

async function fill(topic: Topic, name: string, places: Places, options: DrainOptions): Promise<number> {
	note(`sending ${options.events} events to ${options.partitions} partitions`);
	const stream = ["--events", options.events, "--users", options.users, "--hours", options.hours].map(String);
	const kind = ["--bad-ratio", options.badRatio, "--seed", options.seed].map(String);
	await runCommand(["generate", ...stream, ...kind, "--to-kafka"], {
		KAFKA_BROKERS: places.brokers,
		KAFKA_TOPIC: name,
	});
	// What the broker holds, not what the sender believes.
	const sent = await topic.count();
	if (sent !== options.events)
		throw new Error(`the topic holds ${sent} records, but ${options.events} were sent`);
	return sent;
}

interface RunInput {
	readonly topic: string;
	/** Name of its database and its consumer group. */
	readonly run: string;
	readonly sent: number;
}

async function measure(places: Places, input: RunInput): Promise<Measurement> {
	const database = await createRunDatabase(places.databaseUrl, input.run);
	try {
		const logFile = join(resultsFolder(), `${input.run}.log`);
		const startedAtMs = Date.now();
		const engine = await startEngine(logFile, {
			KAFKA_BROKERS: places.brokers,
			KAFKA_TOPIC: input.topic,
			KAFKA_GROUP_ID: input.run,
			DATABASE_URL: database.url,
		});
		try {
			const measured = await follow(engine, places, input.sent, startedAtMs);
			const code = await engine.stop();
			if (code !== 0) throw new Error(`the engine ended with ${code ?? "a kill"} after SIGTERM`);
			await check(database, input.sent);
			return measured;
		} catch (error) {
			throw new Error(`${(error as Error).message}\nlog: ${logFile}\n${engine.logTail()}`);
		} finally {
			await engine.stop();
		}
	} finally {
		await database.remove();
	}
}

async function check(database: RunDatabase, sent: number): Promise<void> {
	const differences = await database.check(sent);
	if (differences.length > 0)
		throw new Error(`what is stored is not what was sent:\n${differences.join("\n")}`);
}

/** Rates and CPU are differences between the first commit seen and the last: starting up is not part of them. */
async function follow(
	engine: RunningEngine,
	places: Places,
	sent: number,
	startedAtMs: number,
): Promise<Measurement> {
	const pids = {
		own: engine.pid,
		postgres: localListener(new URL(places.databaseUrl), "5432"),
		kafka: localListener(new URL(`kafka://${places.brokers.split(",")[0]}`), "9092"),
	};
	const cpu = () => ({
		own: cpuSeconds(pids.own),
		postgres: pids.postgres === null ? null : cpuSeconds(pids.postgres),
		kafka: pids.kafka === null ? null : cpuSeconds(pids.kafka),
	});
	const first = await waitFor(engine, ({ done }) => done > 0, STALL_TIMEOUT_MS);
	const cpuBefore = cpu();
	const last = await waitFor(engine, ({ done }) => done >= sent, STALL_TIMEOUT_MS);
	const cpuAfter = cpu();
	const end = await waitFor(engine, ({ lag }) => lag === 0, STALL_TIMEOUT_MS);
	const events = last.done - first.done;
	const seconds = (commitTime(last) - commitTime(first)) / 1000;
	if (events <= 0 || seconds <= 0)
		throw new Error("it was over before it could be measured: use more --events");
	const perEvent = (before: number | null, after: number | null) =>
		before === null || after === null ? null : ((after - before) * 1e6) / events;
	return {
		subject: "engine",
		eventsPerSecond: events / seconds,
		events,
		seconds,
		wholeSeconds: (commitTime(last) - startedAtMs) / 1000,
		cpuMicrosPerEvent: {
			own: perEvent(cpuBefore.own, cpuAfter.own),
			postgres: perEvent(cpuBefore.postgres, cpuAfter.postgres),
			kafka: perEvent(cpuBefore.kafka, cpuAfter.kafka),
		},
		peakMemoryBytes: {
			own: peakMemoryBytes(pids.own),
			kafka: pids.kafka === null ? null : peakMemoryBytes(pids.kafka),
		},
		lag: end.lag,
		recoveries: end.recoveries,
	};
}

function commitTime({ lastCommitAtMs }: Progress): number {
	if (lastCommitAtMs === null) throw new Error("the status counts events but names no commit");
	return lastCommitAtMs;
}

/** The server's process, when it runs on this machine and may be looked at. */
function localListener({ hostname, port }: URL, defaultPort: string): number | null {
	if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname)) return null;
	return listenerPid(Number(port || defaultPort));
}

function note(message: string): void {
	console.error(message);
}
