/** What a scenario is given (scenario.ts), made for one run; everything it makes is stopped and removed by `close`. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cleanup } from "./cleanup.ts";
import { createRunDatabase } from "./database.ts";
import { type PerfEngine, startEngine } from "./engine.ts";
import type { AnyValues, CommonOptions } from "./options.ts";
import type { Places } from "./places.ts";
import { resultsFolder } from "./result-files.ts";
import { type Sampler, startSampler } from "./sampler.ts";
import type { ScenarioContext, Truthy, UntilOptions } from "./scenario.ts";
import type { Terminal } from "./terminal.ts";
import { createTopic } from "./topic.ts";

export interface ContextRequest {
	readonly scenario: string;
	readonly values: AnyValues;
	readonly common: CommonOptions;
	readonly places: Places;
	readonly terminal: Terminal;
	readonly signal: AbortSignal;
}

export interface OpenContext {
	readonly context: ScenarioContext<never>;
	/** What was compared, as sentences. */
	readonly checked: readonly string[];
	/** Settings that any engine of the run was given, besides where Kafka and Postgres are. */
	readonly settings: Readonly<Record<string, string>>;
	/** Stops and removes everything; gives what could not be. Safe twice. */
	close(): Promise<readonly Error[]>;
}

/** The stored result is not what was sent. */
export class CheckError extends Error {
	override readonly name = "CheckError";
	readonly differences: readonly string[];

	constructor(differences: readonly string[]) {
		super(`what is stored is not what was sent:\n${differences.map((line) => `  ${line}`).join("\n")}`);
		this.differences = differences;
	}
}

const RUN_ID_BYTES = 4;
const LOOK_EVERY_MS = 50;
const WAIT_MS_MAX = 120_000;

export function openContext(request: ContextRequest): OpenContext {
	const { scenario, values, common, places, terminal, signal } = request;
	const runId = `perf_${scenario.replaceAll("-", "_")}_${randomBytes(RUN_ID_BYTES).toString("hex")}`;
	const cleanup = new Cleanup();
	const checked: string[] = [];
	const settings: Record<string, string> = { ...common.settings };
	const samplers = new Set<Sampler>();
	const engines: PerfEngine[] = [];
	const counts = { topic: 0, database: 0, engine: 0 };
	const numbered = (what: keyof typeof counts) => `${runId}_${++counts[what]}`;

	const context: ScenarioContext = {
		options: values,
		settings: common.settings,
		places,
		runId,
		signal,
		async topic(topicRequest) {
			signal.throwIfAborted();
			const topic = await createTopic(places.brokers, numbered("topic"), topicRequest);
			cleanup.add(() => topic.remove());
			return topic;
		},
		async database() {
			signal.throwIfAborted();
			const database = await createRunDatabase(places.databaseUrl, numbered("database"));
			cleanup.add(() => database.remove());
			return database;
		},
		async engine({ topic, databaseUrl, brokers, groupId, settings: own, label = "engine", nodeArguments }) {
			signal.throwIfAborted();
			Object.assign(settings, own, common.settings);
			const logFile = join(resultsFolder(), `${numbered("engine")}-${label}.log`);
			const environment = {
				...own,
				...common.settings,
				KAFKA_BROKERS: brokers ?? places.brokers,
				KAFKA_TOPIC: topic,
				KAFKA_GROUP_ID: groupId ?? `${topic}-${new URL(databaseUrl).pathname.slice(1)}`,
				DATABASE_URL: databaseUrl,
			};
			const engine = await startEngine(logFile, environment, nodeArguments);
			engines.push(engine);
			cleanup.add(() => engine.kill());
			return engine;
		},
		async sample(sampleRequest) {
			signal.throwIfAborted();
			const sampler = await startSampler(sampleRequest, places.pids);
			samplers.add(sampler);
			cleanup.add(async () => {
				await sampler.stop();
			});
			return {
				...sampler,
				stop() {
					samplers.delete(sampler);
					return sampler.stop();
				},
			};
		},
		async check(database, expectation) {
			signal.throwIfAborted();
			const differences = await database.check(expectation);
			if (differences.length > 0) throw new CheckError(differences);
			checked.push(sentenceOf(database.name, expectation.sent));
		},
		checked: (sentence) => void checked.push(sentence),
		note: (message) => terminal.note(message),
		progress: (label, done, total) => terminal.progress(label, done, total),
		mark(text) {
			for (const sampler of samplers) sampler.mark(text);
			terminal.note(text);
		},
		async until<T>(what: string, condition: () => T | Promise<T>, waiting: UntilOptions = {}) {
			const { everyMs = LOOK_EVERY_MS, timeoutMs = WAIT_MS_MAX } = waiting;
			const deadline = performance.now() + timeoutMs;
			for (;;) {
				signal.throwIfAborted();
				const value = await condition();
				if (value) return value as Truthy<T>;
				if (performance.now() > deadline)
					throw new Error(`${what}: not within ${timeoutMs / 1000} s${endOf(engines)}`);
				await sleep(everyMs, null, { signal });
			}
		},
		async sleep(milliseconds) {
			await sleep(milliseconds, null, { signal });
		},
		onCleanup: (action) => cleanup.add(action),
	};
	return { context: context as ScenarioContext<never>, checked, settings, close: () => cleanup.close() };
}

function sentenceOf(database: string, sent: number): string {
	return `${database}: each of ${sent.toLocaleString("en")} records is one event or one dead letter, offset rows agree, every hour equals a recomputation`;
}

/** Why something did not come is mostly told by an engine's log. */
function endOf(engines: readonly PerfEngine[]): string {
	return engines
		.map(
			(engine) =>
				`\nengine (pid ${engine.pid}, ${engine.ended() ?? "running"}), log ${engine.logFile}:\n${engine.logTail()}`,
		)
		.join("");
}
