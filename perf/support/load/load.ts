/**
 * Traffic at a rate, from a process of its own: the scenario sets the rate and hears what was acknowledged, and how long
 * each event took from when it was due to when it could be queried.
 *
 *     const load = await startLoad({ brokers, topic, topRatePerSecond: 50_000, databaseUrl: database.url });
 *     context.onCleanup(() => load.stop());
 *     await load.setRate(50_000);
 *     await context.sleep(3_000);          // warm-up
 *     await load.window("steady");
 *     await context.sleep(60_000);
 *     await load.window(null);
 *     const { acknowledged, distributions } = await load.finish(60_000);
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type LoadContent, USUAL_CONTENT } from "./content.ts";
import type { FromSender, LoadCommand, LoadProgress, LoadReport, LoadSetting } from "./load-messages.ts";

export interface LoadRequest {
	/** As in KAFKA_BROKERS; connections without TLS and without a password. */
	readonly brokers: string;
	/** Nobody else may send to it meanwhile. */
	readonly topic: string;
	/** The highest rate that will be asked for: events fall due `FRAME_MS` worth of it at once. */
	readonly topRatePerSecond: number;
	/** What differs from `USUAL_CONTENT`; its `events` (default: `POOL_EVENTS`) are sent round and round. */
	readonly content?: Partial<LoadContent>;
	/** Of the run's database, to measure latency; straight, not through a proxy. */
	readonly databaseUrl?: string;
	/** From one look for committed offsets to the next: what a latency is known to; default 10. */
	readonly pollIntervalMs?: number;
}

export interface Load {
	/** As of at most 0.1 s ago. @throws Error when sending has failed */
	progress(): LoadProgress;
	/** Events a second from now on; 0 sends no more. */
	setRate(perSecond: number): Promise<void>;
	/** Events that fall due from now on are counted under this name; null, as at the beginning: not at all. */
	window(name: string | null): Promise<void>;
	/** What is known so far. */
	report(): Promise<LoadReport>;
	/**
	 * Stops sending and waits until everything is acknowledged and, where latency is measured, visible.
	 * @throws Error when that does not come within the time, or when sending has failed
	 */
	finish(timeoutMs: number): Promise<LoadReport>;
	/** Ends the process. Safe twice. */
	stop(): Promise<void>;
}

/** About a producer's linger: longer makes fewer and larger batches, and events later. */
export const FRAME_MS = 5;
/** 130 MB of batches; at 200,000 events a second they come round every 5 s. */
const POOL_EVENTS = 1_000_000;
/** A pool of a slow stream need not hold more than this much time of it. */
const POOL_SECONDS_MAX = 60;
const POLL_INTERVAL_MS = 10;
const ENTRY = fileURLToPath(new URL("./sender-process.js", import.meta.url));

/** @throws Error when the topic is not there or a leader does not answer */
export async function startLoad(request: LoadRequest): Promise<Load> {
	const { brokers, topic, topRatePerSecond, content, databaseUrl = null } = request;
	const events = Math.min(POOL_EVENTS, Math.max(1, Math.ceil(topRatePerSecond * POOL_SECONDS_MAX)));
	const process = new SenderProcess();
	const setting: LoadSetting = {
		brokers,
		topic,
		content: { ...USUAL_CONTENT, events, ...content },
		eventsPerFrame: eventsPerFrame(topRatePerSecond),
		databaseUrl,
		pollIntervalMs: request.pollIntervalMs ?? POLL_INTERVAL_MS,
	};
	try {
		await process.ask({ kind: "open", setting });
	} catch (error) {
		await process.stop();
		throw error;
	}
	const report = async (command: LoadCommand) => {
		const answer = await process.ask(command);
		if (answer === null) throw new Error("the sender has nothing to report");
		return answer;
	};
	return {
		progress: () => process.progress(),
		setRate: async (perSecond) => void (await process.ask({ kind: "rate", perSecond })),
		window: async (name) => void (await process.ask({ kind: "window", name })),
		report: () => report({ kind: "report" }),
		async finish(timeoutMs) {
			await process.ask({ kind: "rate", perSecond: 0 });
			const late = new Promise<never>((_, reject) => {
				setTimeout(() => {
					const { due, acknowledged, invisible } = process.progress();
					reject(
						new Error(
							`not settled within ${timeoutMs / 1000} s: ${due} events were due, ${acknowledged} are acknowledged, ${invisible ?? "?"} not committed`,
						),
					);
				}, timeoutMs).unref();
			});
			return Promise.race([report({ kind: "settle" }), late]);
		},
		stop: () => process.stop(),
	};
}

/** Events that fall due together. */
export function eventsPerFrame(topRatePerSecond: number): number {
	return Math.max(1, Math.round((topRatePerSecond * FRAME_MS) / 1000));
}

interface Asked {
	resolve(report: LoadReport | null): void;
	reject(error: Error): void;
}

class SenderProcess {
	readonly #child: ChildProcess;
	readonly #asked = new Map<number, Asked>();
	#nextId = 1;
	#failure: Error | null = null;
	#progress: LoadProgress = { due: 0, acknowledged: 0, invisible: null, cpuSeconds: 0, latenessMsMax: 0 };

	constructor() {
		// Loaders and settings of a test's own process are not for this one.
		this.#child = fork(ENTRY, { execArgv: [], env: { ...process.env, NODE_OPTIONS: "" } });
		this.#child.on("message", (message) => this.#take(message as FromSender));
		this.#child.on("error", (error) => this.#fail(error));
		this.#child.on("exit", (code, signal) =>
			this.#fail(new Error(`the sending process ended with ${signal ?? `exit code ${code}`}`)),
		);
	}

	progress(): LoadProgress {
		if (this.#failure !== null) throw this.#failure;
		return this.#progress;
	}

	ask(command: LoadCommand): Promise<LoadReport | null> {
		if (this.#failure !== null) return Promise.reject(this.#failure);
		const id = this.#nextId++;
		return new Promise((resolve, reject) => {
			this.#asked.set(id, { resolve, reject });
			this.#child.send({ id, command }, (error) => error && this.#fail(error));
		});
	}

	async stop(): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		const ended = once(this.#child, "exit");
		this.#child.kill("SIGKILL");
		await ended;
	}

	#take(message: FromSender): void {
		if (message.kind === "progress") this.#progress = message.progress;
		else if (message.kind === "done") {
			if (message.report !== null) this.#progress = message.report;
			this.#asked.get(message.id)?.resolve(message.report);
			this.#asked.delete(message.id);
		} else if (message.id === null) this.#fail(new Error(message.message));
		else {
			this.#asked.get(message.id)?.reject(new Error(message.message));
			this.#asked.delete(message.id);
		}
	}

	#fail(error: Error): void {
		this.#failure ??= error;
		for (const { reject } of this.#asked.values()) reject(error);
		this.#asked.clear();
	}
}
