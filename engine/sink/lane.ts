import type pg from "pg";
import { connect, destroy, engineConnection, lossOf } from "./connect.ts";
import { within } from "./deadline.ts";
import { errorCode } from "./errors.ts";
import type { PostgresSettings } from "./settings.ts";

const FAREWELL_DEADLINE_MS = 2_000;

export interface LaneOptions {
	/** For `application_name`: people read it, and the rescue from frozen engines looks for it (blockers.ts). */
	readonly name: "writer" | "claimer" | "probe" | "rescuer";
	/** Longest statement, and longest pause within a transaction, that the server lets pass, in ms. */
	readonly sessionLimitMs: number;
	/** The connection was lost while nothing used it. Not called for one that `reset` or `close` has taken away. */
	readonly onLost?: (error: Error) => void;
}

interface Held {
	readonly client: pg.Client;
	/** Works under way on it. */
	users: number;
	/** A work has failed on it, or its loss was reported: whoever relies on it knows, and takes it away. */
	isTold: boolean;
}

/** Holds at most one connection, and knows whether it was lost behind our back. */
export class Lane {
	readonly #options: LaneOptions;
	#held: Held | null = null;
	/** Raised by every reset, so that a connection that was being made meanwhile is thrown away too. */
	#era = 0;

	constructor(options: LaneOptions) {
		this.#options = options;
	}

	/** The connection was lost; the next work will be told so. */
	get isLost(): boolean {
		return this.#held !== null && lossOf(this.#held.client) !== null;
	}

	/**
	 * Runs `work` on the connection, which is made when there is none. One that was lost while nothing used it is not
	 * replaced: the server may have been restored, so whoever relied on it must hear of it. Rejects with the server's
	 * last words then.
	 */
	async use<T>(
		settings: PostgresSettings,
		owner: string,
		work: (client: pg.Client) => Promise<T>,
	): Promise<T> {
		const held = await this.#open(settings, owner);
		held.users++;
		try {
			return await work(held.client);
		} catch (error) {
			held.isTold = true;
			// Lost between two statements: the second one only hears that the client is not queryable.
			throw errorCode(error) === "" ? (lossOf(held.client) ?? error) : error;
		} finally {
			held.users--;
		}
	}

	reset(): void {
		this.#era++;
		if (this.#held !== null) destroy(this.#held.client);
		this.#held = null;
	}

	async close(): Promise<void> {
		const held = this.#held;
		this.#held = null;
		this.#era++;
		if (held === null) return;
		// The farewell of an idle client on a frozen connection never comes (node-postgres; test/contract/pg.test.ts).
		await within(held.client, "farewell", FAREWELL_DEADLINE_MS, held.client.end()).catch(() => {});
	}

	async #open(settings: PostgresSettings, owner: string): Promise<Held> {
		if (this.#held !== null) {
			const loss = lossOf(this.#held.client);
			if (loss !== null) throw loss;
			return this.#held;
		}
		const era = this.#era;
		const { name, sessionLimitMs } = this.#options;
		const client = await connect(settings, {
			applicationName: engineConnection(name, owner),
			statementTimeoutMs: sessionLimitMs,
			idleInTransactionTimeoutMs: sessionLimitMs,
		});
		if (era !== this.#era) {
			destroy(client);
			throw new Error("the connection was given up while it was being made");
		}
		const held: Held = { client, users: 0, isTold: false };
		client.on("error", (error) => {
			if (this.#held !== held || held.users > 0 || held.isTold) return;
			held.isTold = true;
			this.#options.onLost?.(error);
		});
		this.#held = held;
		return held;
	}
}
