import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import {
	type ActorSettings,
	CURRENT_RECORD_BYTES,
	type FromActor,
	type RecordPlace,
	type ToActor,
} from "../../workers/messages.ts";
import type { ActorListener, ActorPort } from "../ports.ts";

/** The thread's entry, as compiled: the rest of `workers/` is never imported here. */
const ENTRY = new URL("../../workers/actor.js", import.meta.url);

/** Loading the code and compiling the schema takes 150 ms; a machine with twenty others waiting for a core took 20 s. */
const START_DEADLINE_MS = 60_000;
/** A thread that does not end by itself in this time is terminated. */
const STOP_DEADLINE_MS = 2_000;

/**
 * A thread beyond this is ended alone (ERR_WORKER_OUT_OF_MEMORY), and replaced. Without it each may take as much as a
 * whole process of Node, four gigabytes, and it is the kernel that ends all of them. A million ids of usual length take
 * 60 MB; buffers do not count, they have limits of their own (engine/limits.ts).
 */
const HEAP_MB_MAX = 1024;

/**
 * One actor: a piscina pool of exactly one thread, in it one long-lived task, and a port between us and it. A pool per
 * actor gives a dead thread a name (with many threads in one pool nobody can tell who died); a port keeps messages in
 * order and costs no promise each (piscina's queue reorders tasks that cannot be placed, #1031).
 */
class ActorThread {
	readonly #pool: Piscina;
	readonly #port: MessagePort;
	#over = false;

	private constructor(pool: Piscina, port: MessagePort) {
		this.#pool = pool;
		this.#port = port;
	}

	/**
	 * Resolves when the actor has said `ready`. `onLost` is called at most once: not before that (then this rejects), and
	 * not after `stop`.
	 */
	static async start(
		entry: URL,
		settings: ActorSettings,
		onMessage: (message: FromActor) => void,
		onLost: (error: Error) => void,
	): Promise<ActorThread> {
		const pool = new Piscina({
			filename: entry.href,
			name: "runActor",
			minThreads: 1,
			maxThreads: 1,
			// Atomics.wait between tasks would stop timers and ports in the thread.
			atomics: "disabled",
			resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
		});
		const { port1, port2 } = new MessageChannel();
		const thread = new ActorThread(pool, port1);
		let isReady = false;
		let ready = (): void => {};
		const started = new Promise<void>((resolve) => {
			ready = resolve;
		});
		const failed = new Promise<never>((_, reject) => {
			const lost = (error: Error): void => {
				reject(error);
				if (thread.#over) return;
				thread.#over = true;
				void pool.destroy().catch(() => {});
				if (isReady) onLost(error);
			};
			port1.on("close", () => lost(new Error("its thread ended")));
			pool.on("error", (error) => lost(asError(error)));
			pool.run({ ...settings, port: port2 }, { transferList: [port2] }).then(
				() => lost(new Error("its task ended")),
				(error) => lost(asError(error)),
			);
		});
		failed.catch(() => {});
		port1.on("message", (message: FromActor) => {
			if (message.kind === "ready") {
				isReady = true;
				ready();
			} else if (!thread.#over) onMessage(message);
		});
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			// A missing entry or a bootstrap error leaves `run` unsettled for ever.
			timer = setTimeout(() => {
				thread.#over = true;
				void pool.destroy().catch(() => {});
				reject(new Error(`actor ${settings.shard} did not start within ${START_DEADLINE_MS} ms`));
			}, START_DEADLINE_MS);
		});
		try {
			await Promise.race([started, failed, late]);
		} finally {
			clearTimeout(timer);
		}
		return thread;
	}

	post(message: ToActor, transfer: readonly ArrayBuffer[]): void {
		if (!this.#over) this.#port.postMessage(message, transfer);
	}

	/** Lets the task end, then the thread; terminates it when it does not. */
	async stop(): Promise<void> {
		if (!this.#over) this.#port.postMessage({ kind: "stop" } satisfies ToActor);
		this.#over = true;
		let timer: NodeJS.Timeout | undefined;
		const deadline = new Promise<void>((resolve) => {
			timer = setTimeout(resolve, STOP_DEADLINE_MS);
		});
		await Promise.race([this.#pool.close().catch(() => {}), deadline]);
		clearTimeout(timer);
		await this.#pool.destroy().catch(() => {});
		this.#port.close();
	}

	/** Terminates the thread at once, whatever it does. */
	async terminate(): Promise<void> {
		this.#over = true;
		this.#port.close();
		await this.#pool.destroy().catch(() => {});
	}
}

/** The `ActorPort` of the real engine: actors on threads of this process. */
export class ActorPool implements ActorPort {
	readonly #settings: readonly ActorSettings[];
	readonly #entry: URL;
	readonly #threads: (ActorThread | null)[];
	#listener: ActorListener | null = null;
	#stopped = false;

	/** `entry`: a module that exports `runActor`; tests give one that misbehaves. */
	constructor(settings: readonly Omit<ActorSettings, "currentRecord">[], entry: URL = ENTRY) {
		this.#settings = settings.map((each) => {
			return { ...each, currentRecord: new SharedArrayBuffer(CURRENT_RECORD_BYTES) };
		});
		this.#entry = entry;
		this.#threads = settings.map(() => null);
	}

	get count(): number {
		return this.#settings.length;
	}

	async start(listener: ActorListener): Promise<void> {
		this.#listener = listener;
		await Promise.all(this.#settings.map((_, shard) => this.#launch(shard)));
	}

	post(shard: number, message: ToActor, transfer: readonly ArrayBuffer[] = []): void {
		this.#threads[shard]?.post(message, transfer);
	}

	inHand(shard: number): RecordPlace | null {
		const [partition = -1, offset = -1] = new Float64Array(this.#settings[shard]!.currentRecord);
		return partition < 0 ? null : { partition, offset };
	}

	async replace(shard: number): Promise<void> {
		const old = this.#threads[shard];
		this.#threads[shard] = null;
		await old?.terminate();
		await this.#launch(shard);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await Promise.all(this.#threads.map((thread) => thread?.stop()));
	}

	async #launch(shard: number): Promise<void> {
		const thread: ActorThread = await ActorThread.start(
			this.#entry,
			this.#settings[shard]!,
			(message) => this.#listener?.message(shard, message),
			(error) => {
				if (!this.#stopped && this.#threads[shard] === thread) this.#listener?.lost(shard, error);
			},
		);
		this.#threads[shard] = thread;
		if (this.#stopped) await thread.stop();
	}
}

function asError(error: unknown): Error {
	return error instanceof Error ? error : new Error(String(error));
}
