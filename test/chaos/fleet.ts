/** The engines, each on a seat of its own with its own wires to Postgres and to Kafka, that they can be cut off singly. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../producer/random.ts";
import { type EngineProcess, type Exit, spawnEngine } from "../support/engine-process.ts";
import type { KafkaWire } from "../support/kafka-wire.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import type { DatabaseSettings } from "./database-client.ts";
import { MissedError } from "./missed-error.ts";
import type { Scope } from "./scope.ts";

/** The ways of one engine to the servers. */
export interface Wires {
	readonly postgres: TcpProxy;
	readonly kafka: KafkaWire;
}

/** A place for an engine; the process on it comes and goes. */
export interface Seat {
	readonly name: string;
	readonly wires: Wires;
	/** Settings of the engines that sit here. */
	readonly env: Readonly<Record<string, string>>;
	engine: EngineProcess | null;
	/** A fault has it. */
	isTaken: boolean;
}

export interface FleetOptions {
	readonly scope: Scope;
	readonly random: Random;
	readonly topic: string;
	readonly database: DatabaseSettings;
	readonly seats: readonly Seat[];
	/** Folder of the build to run; null: ours. */
	readonly build: string | null;
	/** Hears of an engine that ended although nobody had asked it to. */
	readonly onEnded: (what: string) => void;
}

/** Who starts engines in earnest starts one again that has ended. */
const RESTART_DELAY_MS = 1_000;
/** SHUTDOWN_TIMEOUT_S is 30, and the machine may be busy. */
const STOP_WITHIN_MS = 60_000;

export class Fleet {
	readonly seats: readonly Seat[];
	/** All engines there ever were, for their logs. */
	readonly history: { readonly seat: string; readonly engine: EngineProcess }[] = [];
	readonly #options: FleetOptions;
	readonly #asked = new WeakSet<EngineProcess>();
	#isClosed = false;

	constructor(options: FleetOptions) {
		this.#options = options;
		this.seats = options.seats;
	}

	/** Seats with an engine on them. */
	get running(): readonly Seat[] {
		return this.seats.filter(({ engine }) => engine !== null);
	}

	/** A seat for one fault alone, chosen among those with an engine. Throws `MissedError` when all are taken. */
	take(): Seat {
		const free = this.running.filter(({ isTaken }) => !isTaken);
		if (free.length === 0) throw new MissedError("no engine is free to be struck");
		const seat = this.#options.random.pick(free);
		seat.isTaken = true;
		return seat;
	}

	/** An empty seat, for an engine that joins. Throws `MissedError`. */
	takeEmpty(): Seat {
		const seat = this.seats.find(({ engine, isTaken }) => engine === null && !isTaken);
		if (seat === undefined) throw new MissedError("there is no room for another engine");
		seat.isTaken = true;
		return seat;
	}

	start(seat: Seat): EngineProcess {
		const { scope, topic, database, build, onEnded } = this.#options;
		const engine = spawnEngine(scope, {
			topic: { name: topic, brokers: seat.wires.kafka.brokers },
			database: { settings: { ...database, port: seat.wires.postgres.port } },
			env: { ...seat.env, STARTUP_TIMEOUT_S: "180" },
			label: `engine ${seat.name}`,
			...(build === null ? {} : { build }),
		});
		seat.engine = engine;
		this.history.push({ seat: seat.name, engine });
		// When the run itself ends by a defect, nobody else would end it.
		const atExit = (): void => engine.kill("SIGKILL");
		process.once("exit", atExit);
		void engine.exited.then(async (exit) => {
			process.removeListener("exit", atExit);
			if (seat.engine === engine) seat.engine = null;
			if (this.#asked.has(engine) || this.#isClosed) return;
			onEnded(`engine ${seat.name} ended by itself with ${JSON.stringify(exit)}: ${lastWordsOf(engine)}`);
			await sleep(RESTART_DELAY_MS);
			if (!this.#isClosed && seat.engine === null) this.start(seat);
		});
		return engine;
	}

	/** SIGKILL. Resolves when it is gone. */
	async kill(seat: Seat): Promise<void> {
		await this.#end(seat, "SIGKILL");
	}

	/** SIGTERM. Resolves with how it ended; one that does not end is killed. */
	async stop(seat: Seat): Promise<Exit | null> {
		return await this.#end(seat, "SIGTERM");
	}

	/** Nobody is started again from now on. */
	close(): void {
		this.#isClosed = true;
	}

	async #end(seat: Seat, signal: "SIGKILL" | "SIGTERM"): Promise<Exit | null> {
		const { engine } = seat;
		if (engine === null) return null;
		this.#asked.add(engine);
		engine.kill(signal);
		const late = setTimeout(() => {
			this.#options.onEnded(`engine ${seat.name} did not end within ${STOP_WITHIN_MS} ms of ${signal}`);
			engine.kill("SIGKILL");
		}, STOP_WITHIN_MS);
		const exit = await engine.exited;
		clearTimeout(late);
		return exit;
	}
}

function lastWordsOf({ log, errors }: EngineProcess): string {
	const loud = log.filter(({ level }) => level === "error" || level === "fatal").at(-1);
	return (loud?.msg ?? errors.at(-1) ?? log.at(-1)?.msg ?? "it said nothing").slice(0, 300);
}
