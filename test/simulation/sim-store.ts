/** An engine's connection to the simulated Postgres. It can break, and nobody knows then what became of the transaction. */
import type { Claim, CommitPhases, CommitSet, Store } from "../../engine/ports.ts";
import type { IsOpen, SimPostgres } from "./sim-postgres.ts";
import type { Host } from "./world.ts";

interface Connection {
	isOpen: boolean;
	/** Rejects what is under way. */
	readonly waiting: Set<(error: Error) => void>;
}

const PHASES: CommitPhases = { lock: 0, copy: 0, deadLetters: 0, members: 0, merge: 0, commit: 0, total: 0 };

export class SimStore implements Store {
	readonly #host: Host;
	readonly #postgres: SimPostgres;
	#connection: Connection = { isOpen: true, waiting: new Set() };

	constructor(host: Host, postgres: SimPostgres) {
		this.#host = host;
		this.#postgres = postgres;
	}

	claim(lows: ReadonlyMap<number, number>): Promise<readonly Claim[]> {
		return this.#ask((isOpen) => this.#postgres.claim(lows, isOpen));
	}

	async commit(set: CommitSet): Promise<CommitPhases> {
		await this.#ask((isOpen) => this.#postgres.commit(set, isOpen));
		return PHASES;
	}

	async ping(): Promise<void> {}
	async close(): Promise<void> {}

	/** The supervisor calls it in every recovery; a fault of the network does the same unasked. */
	reset(): void {
		const lost = this.#connection;
		this.#connection = { isOpen: true, waiting: new Set() };
		lost.isOpen = false;
		this.#host.after(this.#host.random(), () => {
			for (const reject of lost.waiting) reject(new Error("the connection is lost"));
		});
	}

	/** The server works on while the engine is frozen; the answer has to find its process awake. */
	#ask<T>(work: (isOpen: IsOpen) => Promise<T>): Promise<T> {
		const connection = this.#connection;
		return new Promise((resolve, reject) => {
			connection.waiting.add(reject);
			const answer = (settled: () => void) =>
				this.#host.after(0, () => {
					if (!connection.isOpen) return;
					connection.waiting.delete(reject);
					settled();
				});
			work(() => connection.isOpen).then(
				(value) => answer(() => resolve(value)),
				(error) => answer(() => reject(error)),
			);
		});
	}
}
