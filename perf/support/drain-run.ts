/**
 * One drain: engines empty a full topic into an empty database, and all of it is checked. For `drain` itself and for
 * every scenario that measures with it.
 *
 * The interval a rate is taken over begins at the first commit that was seen and ends at the last one; the events of
 * the first commit are not counted. So starting, joining and claiming are no part of it. What was under way in the
 * engine at its beginning is: `underWayAtStart` over `events` is the most by which the rate can be too high. Commit
 * times are the engine's own, so it does not matter how late they were seen.
 */
import type { RunDatabase } from "./database.ts";
import type { EngineRequest, PerfEngine } from "./engine.ts";
import { peakMemoryBytes } from "./process-usage.ts";
import type { CpuOwner, Sample } from "./result.ts";
import type { Timeline } from "./sampler.ts";
import type { ScenarioContext } from "./scenario.ts";
import { type Progress, waitFor } from "./status-poll.ts";
import type { Topic } from "./topic.ts";
import { processUsage, serverCpuSeconds } from "./usage.ts";

export interface DrainRequest {
	readonly topic: Topic;
	/** Records in the topic: the drain ends when all of them are committed. */
	readonly sent: number;
	/** Exactly so many of them are bad; without it any number is right. */
	readonly deadLetters?: number;
	/** Engines that share the topic; default 1. */
	readonly engines?: number;
	/** Settings of the engine over its defaults. */
	readonly settings?: EngineRequest["settings"];
	/** For progress and log files: `run 2 of 3`. */
	readonly label?: string;
	/** Arguments for Node itself. */
	readonly nodeArguments?: readonly string[];
	/** Empty; default: one of its own. */
	readonly database?: RunDatabase;
}

export type CpuMicros = Readonly<Record<Exclude<CpuOwner, "sender">, number | null>>;

/** What one drain took; null is what could not be seen from this machine. */
export interface Drained {
	readonly eventsPerSecond: number;
	/** Events and seconds the rate is made of; see above. */
	readonly events: number;
	readonly seconds: number;
	/** Events already being worked on when the interval began. */
	readonly underWayAtStart: number;
	/** From starting the process to the first commit, and to the last, in seconds. */
	readonly firstCommitSeconds: number;
	readonly wholeSeconds: number;
	/** All events over the whole time. */
	readonly wholeEventsPerSecond: number;
	/** CPU time in µs per event in the same interval: the engine's process, its parts, and the servers. */
	readonly cpuMicrosPerEvent: CpuMicros;
	/** Most memory ever resident, all engines together. */
	readonly peakMemoryBytes: number | null;
	readonly recoveries: number;
	readonly timeline: Timeline;
	/** Still there, checked. */
	readonly database: RunDatabase;
}

/** Longest time without another commit: starting, a recovery and a slow disk all stay below it. */
const STALL_TIMEOUT_MS = 60_000;

const END_POLL_MS = 200;

/** @throws Error when it stalls, is over before it could be measured, or stores anything else than was sent. */
export async function drainOnce(context: ScenarioContext, request: DrainRequest): Promise<Drained> {
	const { topic, sent, settings, nodeArguments, label = "drain" } = request;
	const database = request.database ?? (await context.database());
	const engines: PerfEngine[] = [];
	try {
		for (let number = 1; number <= (request.engines ?? 1); number++)
			engines.push(
				await context.engine({
					topic: topic.name,
					databaseUrl: database.url,
					label: label.replaceAll(/\W+/g, "-"),
					...(settings && { settings }),
					...(nodeArguments && { nodeArguments }),
				}),
			);
		const sampler = await context.sample({
			engines: () => engines,
			databaseUrl: database.url,
			sent: () => sent,
		});
		const measured = await follow(context, engines, sent, label);
		const timeline = await sampler.stop();
		if (engines.length === 1) compareWithPostgres(context, timeline, sent);
		for (const engine of engines) await engine.stop();
		await context.check(database, {
			sent,
			...(request.deadLetters !== undefined && { deadLetters: request.deadLetters }),
		});
		return { ...measured, timeline, database };
	} catch (error) {
		if (context.signal.aborted) throw error;
		throw withLogs(error as Error, engines);
	}
}

type Measured = Omit<Drained, "timeline" | "database">;

async function follow(
	context: ScenarioContext,
	engines: readonly PerfEngine[],
	sent: number,
	label: string,
): Promise<Measured> {
	const following = {
		stallTimeoutMs: STALL_TIMEOUT_MS,
		signal: context.signal,
		onProgress: ({ done }: Progress) => context.progress(label, done, sent),
	};
	const first = await waitFor(engines, ({ done }) => done > 0, following);
	const before = cpuNow(context, engines);
	// Commit times are exact however late they are seen, and an engine without work uses next to nothing.
	const last = await waitFor(engines, ({ done }) => done >= sent, { ...following, everyMs: END_POLL_MS });
	const after = cpuNow(context, engines);
	const end = await waitFor(engines, ({ lag }) => lag === 0, following);
	const { events, seconds } = intervalOf(first, last);
	const perEvent = (owner: keyof CpuMicros) =>
		before[owner] === null || after[owner] === null ? null : ((after[owner] - before[owner]) * 1e6) / events;
	const startedAtMs = Math.min(...engines.map((engine) => engine.startedAtMs));
	const wholeSeconds = (commitTime(last) - startedAtMs) / 1000;
	return {
		eventsPerSecond: events / seconds,
		events,
		seconds,
		underWayAtStart: first.underWay,
		firstCommitSeconds: (commitTime(first) - startedAtMs) / 1000,
		wholeSeconds,
		wholeEventsPerSecond: last.done / wholeSeconds,
		cpuMicrosPerEvent: {
			engine: perEvent("engine"),
			main: perEvent("main"),
			actors: perEvent("actors"),
			gc: perEvent("gc"),
			postgres: perEvent("postgres"),
			kafka: perEvent("kafka"),
		},
		peakMemoryBytes: sumOrNull(engines.map(({ pid }) => peakMemoryBytes(pid))),
		recoveries: end.recoveries,
	};
}

/**
 * Events and time between two commits.
 * @throws Error when there is nothing between them
 */
export function intervalOf(
	first: Pick<Progress, "done" | "lastCommitAtMs">,
	last: Pick<Progress, "done" | "lastCommitAtMs">,
): { readonly events: number; readonly seconds: number } {
	const events = last.done - first.done;
	const seconds = (commitTime(last) - commitTime(first)) / 1000;
	if (events <= 0 || seconds <= 0)
		throw new Error("it was over before it could be measured: use more --events");
	return { events, seconds };
}

function commitTime({ lastCommitAtMs }: Pick<Progress, "lastCommitAtMs">): number {
	if (lastCommitAtMs === null) throw new Error("the status counts events but names no commit");
	return lastCommitAtMs;
}

type Cpu = Record<keyof CpuMicros, number | null>;

function cpuNow({ places }: ScenarioContext, engines: readonly PerfEngine[]): Cpu {
	const usages = engines.map(({ pid }) => processUsage(pid)?.cpu ?? null);
	const sum = (part: "all" | "main" | "actors" | "helpers") =>
		sumOrNull(usages.map((cpu) => cpu?.[part] ?? null));
	return {
		engine: sum("all"),
		main: sum("main"),
		actors: sum("actors"),
		gc: sum("helpers"),
		postgres: serverCpuSeconds(places.pids.postgres),
		kafka: serverCpuSeconds(places.pids.kafka),
	};
}

function sumOrNull(values: readonly (number | null)[]): number | null {
	return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

/** The engine's own metrics are what operators see: they must say what Postgres says. */
function compareWithPostgres(context: ScenarioContext, { samples }: Timeline, sent: number): void {
	const difference = disagreement(samples.at(-1), sent);
	if (difference !== null) throw new Error(difference);
	context.checked(`the engine's /metrics and Postgres's offset rows agree at the end: ${sent}, lag 0`);
}

/** What the last look saw otherwise than it must be, as a sentence; null when all agree. */
export function disagreement(
	last: Pick<Sample, "committed" | "engineCommitted" | "engineLag"> | undefined,
	sent: number,
): string | null {
	if (last?.committed === sent && last.engineCommitted === sent && last.engineLag === 0) return null;
	const { committed, engineCommitted, engineLag } = last ?? {};
	return `at the end Postgres's offset rows count ${committed}, the engine's /metrics ${engineCommitted} with lag ${engineLag}; sent were ${sent}`;
}

function withLogs(error: Error, engines: readonly PerfEngine[]): Error {
	const logs = engines.map((engine) => `log: ${engine.logFile}\n${engine.logTail()}`);
	return new Error([error.message, ...logs].join("\n"), { cause: error.cause });
}
