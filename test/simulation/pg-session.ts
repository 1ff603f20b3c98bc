/** What a session of the simulated Postgres is made of: its backend, what it is asked, and what it is answered. */
import type { Staged, Tables } from "./pg-tables.ts";
import type { SimTopic } from "./sim-topic.ts";
import type { World } from "./world.ts";

export interface Statement {
	readonly text: string;
	readonly values: readonly unknown[];
	/** What a COPY has sent. */
	readonly copied: readonly Uint8Array[] | null;
}

export interface Result {
	readonly command: string;
	readonly rowCount: number;
	readonly rows: readonly Record<string, unknown>[];
}

/** An error as the server sends it. */
export class ServerError extends Error {
	readonly code: string;
	readonly severity: "ERROR" | "FATAL";
	/** Context, as `COPY events, line 3`. */
	readonly where: string | undefined;

	constructor(code: string, message: string, severity: "ERROR" | "FATAL" = "ERROR", where?: string) {
		super(message);
		this.code = code;
		this.severity = severity;
		this.where = where;
	}
}

export type Outcome = { readonly result: Result } | { readonly error: ServerError };

/** Whoever has connected. */
export interface Process {
	/** End of its latest freeze, in virtual ms. */
	readonly frozenUntilMs: number;
}

/** What a backend knows of the other end. */
export interface ClientEnd {
	/** The server ends the session; `error` is its farewell, null when nothing reaches the client. */
	ended(error: ServerError | null): void;
}

export class Backend {
	readonly pid: number;
	readonly client: ClientEnd;
	/** Whose process it serves; what a kill -9 takes along. */
	readonly process: Process;
	applicationName = "";
	txn: { readonly staged: Staged; readonly beganMs: number; failed: boolean } | null = null;
	/** What the server does for it. */
	state: "client" | "statement" | "lock" = "client";
	waitingFor: string | null = null;
	waitingSinceMs = 0;
	isDead = false;
	/** The socket is closed; noticed when the backend next looks. */
	clientGone = false;
	wake: ((error: Error | null) => void) | null = null;

	constructor(pid: number, client: ClientEnd, process: Process) {
		this.pid = pid;
		this.client = client;
		this.process = process;
	}
}

/** What the statements use of the server. */
export interface Server {
	readonly world: World;
	readonly topic: SimTopic;
	readonly tables: Tables;
	readonly backends: ReadonlySet<Backend>;
	/** Places of rows that were refused for a reason that passes: each only once. */
	readonly refusedOnce: Set<number>;
	lock(backend: Backend, key: string): Promise<void>;
	holder(key: string): Backend | null;
	commit(backend: Backend): "COMMIT" | "ROLLBACK";
	rollback(backend: Backend): void;
	end(backend: Backend, farewell: ServerError | null): void;
}
