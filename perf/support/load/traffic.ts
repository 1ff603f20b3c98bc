/** What the scenarios with traffic at a rate share: one engine that waits for it, looks at everything, the end. */
import type { RunDatabase } from "../database.ts";
import type { PerfEngine } from "../engine.ts";
import type { Distribution, Figure } from "../result.ts";
import type { Sampler, Timeline } from "../sampler.ts";
import type { ScenarioContext } from "../scenario.ts";
import type { Topic } from "../topic.ts";
import { processUsage, serverCpuSeconds } from "../usage.ts";
import type { LoadContent } from "./content.ts";
import { type Load, startLoad } from "./load.ts";
import type { LoadProgress, LoadReport } from "./load-messages.ts";

/** Traffic as it is live: events of the hour that is on, and late ones. */
const LIVE_HOURS = 1;
const READY_WITHIN_MS = 60_000;
/** An engine that is behind catches up within this, or something is broken. */
const FINISH_WITHIN_MS = 180_000;

export interface TrafficRequest {
	readonly partitions: number;
	/** What differs from the usual content; `hours` is 1 here. */
	readonly content?: Partial<LoadContent>;
}

export interface Traffic {
	readonly engine: PerfEngine;
	readonly topic: Topic;
	readonly database: RunDatabase;
	readonly sampler: Sampler;
	/** A new sending process, and the end of the one before, whose events are all committed first. */
	load(topRatePerSecond: number): Promise<Load>;
	/** @throws Error with the end of its log when the engine has ended: nothing that is waited for would come */
	mustRun(): void;
	/** Sends no more and waits until all events can be queried. @throws Error after three minutes */
	settle(load: Load): Promise<LoadReport>;
	/**
	 * Waits for the last event, stops looking, and gives what was seen. The engine goes on.
	 * @throws Error when what Kafka holds is not what was sent
	 */
	finish(): Promise<Timeline>;
	/** Stops the engine and compares what is stored with what was sent. */
	check(): Promise<void>;
}

/** Resolves when the engine is ready. */
export async function startTraffic(context: ScenarioContext, request: TrafficRequest): Promise<Traffic> {
	const topic = await context.topic({ partitions: request.partitions });
	const database = await context.database();
	const engine = await context.engine({ topic: topic.name, databaseUrl: database.url });
	await context.until(
		"the engine is ready",
		() => {
			mustRun();
			return isReady(engine);
		},
		{ timeoutMs: READY_WITHIN_MS },
	);
	/** By those that have ended. */
	const before = { events: 0, cpuSeconds: 0 };
	let load: Load | null = null;
	const sampler = await context.sample({
		engines: () => [engine],
		databaseUrl: database.url,
		sent: () => before.events + (progressOf(load)?.acknowledged ?? 0),
		senderCpuSeconds: () => before.cpuSeconds + (progressOf(load)?.cpuSeconds ?? 0),
	});

	function mustRun(): void {
		const ended = engine.ended();
		if (ended !== null)
			throw new Error(`the engine ended with ${ended}; log: ${engine.logFile}\n${engine.logTail()}`);
	}

	async function settle(last: Load): Promise<LoadReport> {
		await last.setRate(0);
		const isSettled = () => {
			mustRun();
			const { due, acknowledged, invisible } = last.progress();
			return acknowledged === due && invisible === 0;
		};
		await context.until("all events can be queried", isSettled, { timeoutMs: FINISH_WITHIN_MS });
		return last.report();
	}

	async function end(): Promise<void> {
		const last = load;
		if (last === null) return;
		const { acknowledged, cpuSeconds } = await settle(last);
		load = null;
		before.events += acknowledged;
		before.cpuSeconds += cpuSeconds;
		await last.stop();
	}

	return {
		engine,
		topic,
		database,
		sampler,
		mustRun,
		settle,
		async load(topRatePerSecond) {
			await end();
			const fresh = await startLoad({
				brokers: topic.brokers,
				topic: topic.name,
				topRatePerSecond,
				databaseUrl: database.url,
				content: { hours: LIVE_HOURS, ...request.content },
			});
			context.onCleanup(() => fresh.stop());
			load = fresh;
			return fresh;
		},
		async finish() {
			await end();
			const count = await topic.count();
			if (count !== before.events)
				throw new Error(`the topic holds ${count} records, but ${before.events} were acknowledged`);
			context.checked(`the topic holds as many records as were acknowledged: ${count.toLocaleString("en")}`);
			return sampler.stop();
		},
		async check() {
			await engine.stop();
			await context.check(database, { sent: before.events });
		},
	};
}

/** Null once it has failed or ended: the sampler's last look may come later. */
function progressOf(load: Load | null): LoadProgress | null {
	try {
		return load?.progress() ?? null;
	} catch {
		return null;
	}
}

async function isReady({ url }: PerfEngine): Promise<boolean> {
	try {
		return (await fetch(`${url}/readyz`)).ok;
	} catch {
		return false;
	}
}

/** A stretch of traffic at one rate. */
export interface Stretch {
	readonly name: string;
	readonly perSecond: number;
	/** At the rate before anything is counted: connections, compilation, first partitions of the tables. */
	readonly warmUpSeconds: number;
	readonly seconds: number;
}

export interface StretchResult {
	readonly seconds: number;
	/** Events that could be queried for the first time within the stretch. */
	readonly committed: number;
	/** Events of the stretch, whenever they could be queried. */
	readonly latency: Distribution;
	/** Due and not yet to be queried, every 0.1 s. */
	readonly backlogs: readonly number[];
	/** CPU seconds used within the stretch. */
	readonly cpu: Readonly<Record<"engine" | "postgres" | "kafka" | "sender", number | null>>;
	/** Longest time from when a batch was due to when it was sent, in ms. */
	readonly latenessMsMax: number;
	/** Longest time between two looks for what is committed, in ms. */
	readonly pollGapMsMax: number;
}

const LOOK_EVERY_MS = 100;

/**
 * Sends at the rate, and afterwards nothing until all of it can be queried: then the latency of every event is known.
 * @throws Error when that takes longer than three minutes
 */
export async function runStretch(
	context: ScenarioContext,
	traffic: Traffic,
	load: Load,
	{ name, perSecond, warmUpSeconds, seconds }: Stretch,
): Promise<StretchResult> {
	const { engine } = traffic;
	await load.setRate(perSecond);
	context.mark(`${perSecond.toLocaleString("en")} events/s`);
	await context.sleep(warmUpSeconds * 1000);
	await load.window(name);
	const before = { report: await load.report(), cpu: cpuNow(context, engine), atMs: performance.now() };
	const backlogs: number[] = [];
	for (let leftMs = seconds * 1000; leftMs > 0; leftMs = seconds * 1000 - (performance.now() - before.atMs)) {
		await context.sleep(Math.min(leftMs, LOOK_EVERY_MS));
		traffic.mustRun();
		backlogs.push(load.progress().invisible ?? 0);
		context.progress(name, Math.min(performance.now() - before.atMs, seconds * 1000), seconds * 1000);
	}
	const after = { report: await load.report(), cpu: cpuNow(context, engine), atMs: performance.now() };
	await load.window(null);
	const { distributions } = await traffic.settle(load);
	const latency = distributions.find((distribution) => distribution.name === name);
	if (latency === undefined)
		throw new Error(`no event of "${name}" was counted: use a higher rate or more seconds`);
	const visible = ({ due, invisible }: LoadReport) => due - (invisible ?? 0);
	const between = (owner: "engine" | "postgres" | "kafka") =>
		before.cpu[owner] === null || after.cpu[owner] === null ? null : after.cpu[owner] - before.cpu[owner];
	return {
		seconds: (after.atMs - before.atMs) / 1000,
		committed: visible(after.report) - visible(before.report),
		latency,
		backlogs,
		cpu: {
			engine: between("engine"),
			postgres: between("postgres"),
			kafka: between("kafka"),
			sender: after.report.cpuSeconds - before.report.cpuSeconds,
		},
		latenessMsMax: after.report.latenessMsMax,
		pollGapMsMax: after.report.pollGapMsMax,
	};
}

function cpuNow({ places }: ScenarioContext, engine: PerfEngine) {
	return {
		engine: processUsage(engine.pid)?.cpu.all ?? null,
		postgres: serverCpuSeconds(places.pids.postgres),
		kafka: serverCpuSeconds(places.pids.kafka),
	};
}

/** Percentiles of a distribution as figures `<prefix>latency-p50` and so on. */
export function latencyFigures(prefix: string, what: string, latency: Distribution): Figure[] {
	const figure = (name: string, value: number, about: string): Figure => ({
		name: `${prefix}latency-${name}`,
		value,
		unit: "ms",
		better: "lower",
		about: `from when an event was due to when its row can be queried, ${about}, ${what}; looked at every 10 ms`,
	});
	return [
		figure("p50", latency.p50, "half of all events"),
		figure("p95", latency.p95, "95 of 100"),
		figure("p99", latency.p99, "99 of 100"),
		figure("max", latency.max, "the slowest"),
	];
}
