/**
 * Stands where the driver's client would: the engine's own statements, transactions, COPY and deadlines run on it. Its
 * connection can break before a statement is executed, after it, or fall silent.
 */
import pg from "pg";
import type { Host } from "./host.ts";
import type { SimServer } from "./pg-server.ts";
import type { Backend, ClientEnd, Outcome, Result, ServerError, Statement } from "./pg-session.ts";

/** How the engine's settings lead to the simulation: the driver's settings are copied field by field. */
export interface SimulatedSettings {
	readonly simulated: { readonly host: Host; readonly server: SimServer };
}

interface CopyStream {
	readonly text: string;
	submit(connection: unknown): void;
	handleCopyInResponse(connection: unknown): void;
	handleCommandComplete(message: { text: string }): void;
	handleReadyForQuery(): void;
	handleError(error: Error): void;
}

interface Request {
	readonly statement: Statement;
	settle(outcome: { readonly result: Result } | { readonly error: Error }): void;
}

interface Copy {
	readonly stream: CopyStream;
	readonly chunks: Uint8Array[];
	/** A length was written; its bytes follow. */
	expectsChunk: boolean;
	/** Everything was sent, and the answer is awaited as that of any request. */
	isEnded: boolean;
}

const COPY_DONE = 0x63;
/** Longer than anybody may wait for the locks that are held meanwhile, and up to twice that. */
const FREEZE_MS_MIN = 15_000;
/** One way through the network, at most. */
const NETWORK_MS = 1;

class SimClient implements ClientEnd {
	processID = 0;
	/** What the engine and the COPY stream use of the driver's inside. */
	readonly connection = {
		stream: {
			destroy: () => this.#close(new Error("Connection terminated")),
			write: (bytes: Uint8Array) => this.#copyBytes(bytes),
			once: () => {},
		},
		query: () => {},
		sendCopyFail: () => {},
	};
	readonly #host: Host;
	readonly #server: SimServer;
	#backend: Backend | null = null;
	#isClosed = false;
	/** Nothing passes any more, and nobody was told. */
	#isSilent = false;
	readonly #requests: Request[] = [];
	readonly #listeners: { readonly event: string; readonly listener: (error?: Error) => void }[] = [];
	#copy: Copy | null = null;

	constructor({ simulated }: SimulatedSettings) {
		this.#host = simulated.host;
		this.#server = simulated.server;
	}

	/** The engine listens for `error` and `end`. */
	on(event: string, listener: (error?: Error) => void): this {
		this.#listeners.push({ event, listener });
		return this;
	}

	once(event: string, listener: (error?: Error) => void): this {
		return this.on(event, listener);
	}

	removeListener(event: string, listener: (error?: Error) => void): this {
		const at = this.#listeners.findIndex((one) => one.event === event && one.listener === listener);
		if (at >= 0) this.#listeners.splice(at, 1);
		return this;
	}

	off(event: string, listener: (error?: Error) => void): this {
		return this.removeListener(event, listener);
	}

	escapeLiteral(text: string): string {
		return `'${text}'`;
	}

	connect(): Promise<void> {
		const { world } = this.#server;
		return new Promise((resolve, reject) => {
			world.after(world.random.float() * NETWORK_MS, () => {
				const backend = this.#isClosed ? null : this.#server.accept(this, this.#host);
				this.#backend = backend;
				this.#host.after(world.random.float() * NETWORK_MS, () => {
					if (backend === null)
						reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
					else resolve();
					this.processID = backend?.pid ?? 0;
				});
			});
		});
	}

	query(
		query: string | { text: string; values?: unknown[] } | CopyStream,
		parameters: unknown[] = [],
	): unknown {
		if (typeof query === "object" && "submit" in query) {
			this.#startCopy(query);
			return query;
		}
		const { text, values = [] } = typeof query === "string" ? { text: query, values: parameters } : query;
		return this.#ask({ text, values: [...values], copied: null });
	}

	/** The farewell that lets the server finish. */
	async end(): Promise<void> {
		this.#close(new Error("Connection terminated"));
	}

	/** The server has ended the session. */
	ended(error: ServerError | null): void {
		if (this.#isSilent) return;
		this.#host.after(this.#host.random() * NETWORK_MS, () => {
			this.#close(error ?? new Error("Connection terminated unexpectedly"));
		});
	}

	#ask(statement: Statement): Promise<Result> {
		return new Promise((resolve, reject) => {
			const settle: Request["settle"] = (outcome) =>
				"result" in outcome ? resolve(outcome.result) : reject(outcome.error);
			this.#push({ statement, settle });
		});
	}

	#push(request: Request): void {
		if (this.#isClosed) {
			request.settle({ error: new Error("Client has encountered a connection error and is not queryable") });
			return;
		}
		this.#requests.push(request);
		if (this.#requests.length === 1) this.#send(request);
	}

	#send({ statement }: Request): void {
		const { world } = this.#server;
		const backend = this.#backend!;
		const isCommit = statement.text === "COMMIT";
		const kind = isCommit ? "COMMIT" : "statement";
		if (!this.#isSilent && world.fault(`${kind} lost before it came`, isCommit ? 0.015 : 0.002)) {
			this.#break(backend);
			return;
		}
		if (!this.#isSilent && world.fault("connection fell silent", 0.001)) {
			this.#isSilent = true;
			world.say(`  that of "${backend.applicationName}", asked: ${statement.text.slice(0, 40)}`);
			this.#server.lose(backend);
		}
		if (this.#isSilent) return;
		if (backend.txn !== null && world.fault("froze in mid-transaction", 0.002)) {
			this.#host.freeze(FREEZE_MS_MIN + world.random.float() * FREEZE_MS_MIN);
		}
		world.after(world.random.float() * NETWORK_MS, () => {
			void this.#server.run(backend, statement, (outcome) => this.#answered(outcome, kind));
		});
	}

	/** The server has answered; whether that reaches the engine is another matter. */
	#answered(outcome: Outcome, kind: "COMMIT" | "statement"): void {
		const { world } = this.#server;
		const isCommit = kind === "COMMIT";
		if (world.fault(`answer to ${kind} lost`, isCommit ? 0.025 : 0.002)) {
			this.#break(this.#backend!);
			return;
		}
		const isLate = isCommit && world.fault("answer to COMMIT late", 0.006);
		const delayMs = isLate ? 5_000 + world.random.float() * 30_000 : world.random.float() * NETWORK_MS;
		this.#host.after(delayMs, () => {
			if (this.#isClosed || this.#isSilent) return;
			const request = this.#requests.shift();
			const next = this.#requests[0];
			if (next !== undefined) this.#send(next);
			request?.settle(outcome);
		});
	}

	/** The socket breaks: both ends learn of it. */
	#break(backend: Backend): void {
		this.#server.world.say(`  that of "${backend.applicationName}"`);
		this.#server.world.after(1, () => this.#server.hangUp(backend));
		this.#host.after(this.#host.random() * NETWORK_MS, () => {
			this.#close(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
		});
	}

	#close(error: Error): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		if (this.#backend !== null && !this.#isSilent) this.#server.hangUp(this.#backend);
		const failed = this.#requests.splice(0);
		const copy = this.#copy;
		this.#copy = null;
		// As the driver does: in a tick of its own, never within the call.
		this.#host.after(0, () => {
			for (const { settle } of failed) settle({ error });
			if (copy?.isEnded === false) copy.stream.handleError(error);
			for (const { event, listener } of [...this.#listeners]) {
				if (event === "error" && failed.length === 0 && copy === null) listener(error);
				if (event === "end") listener();
			}
		});
	}

	#startCopy(stream: CopyStream): void {
		stream.submit(this.connection);
		this.#copy = { stream, chunks: [], expectsChunk: false, isEnded: false };
		const fail = (error: Error) => {
			const copy = this.#copy;
			this.#copy = null;
			if (copy !== null) stream.handleError(error);
		};
		if (this.#isClosed) {
			this.#host.after(0, () =>
				fail(new Error("Client has encountered a connection error and is not queryable")),
			);
			return;
		}
		const { world } = this.#server;
		if (this.#isSilent) return;
		// The server's invitation; from here on it waits for its client.
		this.#host.after(world.random.float() * 2 * NETWORK_MS, () => {
			if (!this.#isClosed && this.#copy?.stream === stream) stream.handleCopyInResponse(this.connection);
		});
	}

	#copyBytes(bytes: Uint8Array): boolean {
		const copy = this.#copy;
		if (copy === null) return true;
		if (copy.expectsChunk) {
			copy.chunks.push(bytes);
			copy.expectsChunk = false;
		} else if (bytes[0] === COPY_DONE) {
			this.#endCopy(copy);
		} else copy.expectsChunk = true;
		return true;
	}

	#endCopy(copy: Copy): void {
		const { stream, chunks } = copy;
		copy.isEnded = true;
		const statement = { text: stream.text, values: [], copied: chunks };
		const settle: Request["settle"] = (outcome) => {
			this.#copy = null;
			if ("error" in outcome) {
				stream.handleError(outcome.error);
				return;
			}
			stream.handleCommandComplete({ text: `COPY ${outcome.result.rowCount}` });
			stream.handleReadyForQuery();
		};
		this.#push({ statement, settle });
	}
}

/** Puts the simulated client where the driver's is looked up; undone by calling what it returns. */
export function installSimulatedClient(): () => void {
	const driver = pg as unknown as { Client: unknown };
	const original = driver.Client;
	driver.Client = SimClient;
	return () => {
		driver.Client = original;
	};
}

/** What an engine is given as the way to Postgres. */
export function simulatedSettings(host: Host, server: SimServer): { readonly connectionString: string } {
	const settings: SimulatedSettings & { connectionString: string } = {
		connectionString: "postgres://simulated/",
		simulated: { host, server },
	};
	return settings;
}
