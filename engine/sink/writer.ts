import type pg from "pg";
import { FencedError } from "../core-errors.ts";
import type { Claim, CommitPhases, CommitSet, Store } from "../ports.ts";
import { freeingLocks, terminateBlockers } from "./blockers.ts";
import { claim, type LedgerIdentity } from "./claim.ts";
import { connect, destroy } from "./connect.ts";
import { within } from "./deadline.ts";
import { flush } from "./flush.ts";
import type { PostgresSettings } from "./settings.ts";

/**
 * Longest time for one step of a transaction. Waiting for a lock is most of it: a flush in flight elsewhere takes well
 * under a second; an engine that froze in mid-transaction is made to give its locks up long before (blockers.ts).
 */
const STEP_DEADLINE_MS = 30_000;

const PING_DEADLINE_MS = 5_000;

/**
 * Postgres behind the `Store` port: one connection that writes, one that claims (a claim waits for locks, and must not
 * wait behind our own flush), one that only asks whether the server is there, and, when a lock does not come, one that
 * frees it (blockers.ts). All but the asking one are thrown away together on any doubt, and made anew when next needed.
 */
export class PostgresStore implements Store {
	readonly #settings: PostgresSettings;
	readonly #identity: LedgerIdentity;
	readonly #lanes = { writer: new Lane("writer"), claimer: new Lane("claimer") };
	readonly #probe = new Lane("probe");
	readonly #rescuer = new Lane("rescuer");
	/** As of the first claim after a reset; null before it. */
	#generation: string | null = null;

	constructor(settings: PostgresSettings, identity: LedgerIdentity) {
		this.#settings = settings;
		this.#identity = identity;
	}

	async claim(lowWatermarks: ReadonlyMap<number, number>): Promise<readonly Claim[]> {
		const client = await this.#lanes.claimer.open(this.#settings, this.#identity.owner);
		const work = freeingLocks(client, this.#free, claim(client, this.#identity, lowWatermarks));
		const { claims, generation } = await within(client, "claim", STEP_DEADLINE_MS, work);
		if (this.#generation !== null && this.#generation !== generation) {
			// What is kept of other partitions was learnt under the old one: flushing it under the new one would hide that.
			throw new FencedError("recompute or erase has run: everything must be claimed anew");
		}
		this.#generation = generation;
		return claims;
	}

	async commit(set: CommitSet): Promise<CommitPhases> {
		const generation = this.#generation;
		if (generation === null) throw new FencedError("nothing is claimed");
		const client = await this.#lanes.writer.open(this.#settings, this.#identity.owner);
		const work = flush(client, this.#identity.topic, generation, set, STEP_DEADLINE_MS);
		return await freeingLocks(client, this.#free, work);
	}

	async ping(): Promise<void> {
		try {
			const client = await this.#probe.open(this.#settings, this.#identity.owner);
			const work = client.query<{ readonly: string }>(
				"SELECT current_setting('transaction_read_only') AS readonly",
			);
			const { rows } = await within(client, "ping", PING_DEADLINE_MS, work);
			if (rows[0]?.readonly === "on") throw new Error("the server is read-only");
		} catch (error) {
			this.#probe.reset();
			throw error;
		}
	}

	/** What goes wrong here is no failure of the work that waits: its own deadline still ends the wait. */
	readonly #free = async (pid: number): Promise<void> => {
		try {
			const client = await this.#rescuer.open(this.#settings, this.#identity.owner);
			await within(client, "free locks", PING_DEADLINE_MS, terminateBlockers(client, pid));
		} catch {
			this.#rescuer.reset();
		}
	};

	reset(): void {
		this.#generation = null;
		for (const lane of [...Object.values(this.#lanes), this.#rescuer]) lane.reset();
	}

	async close(): Promise<void> {
		for (const lane of [...Object.values(this.#lanes), this.#probe, this.#rescuer]) await lane.close();
	}
}

/** Holds at most one connection. */
class Lane {
	readonly #name: string;
	#client: pg.Client | null = null;
	/** Raised by every reset, so that a connection that was being made meanwhile is thrown away too. */
	#era = 0;

	constructor(name: string) {
		this.#name = name;
	}

	async open(settings: PostgresSettings, owner: string): Promise<pg.Client> {
		if (this.#client !== null) return this.#client;
		const era = this.#era;
		const client = await connect(settings, {
			applicationName: `lottery-engine ${this.#name} ${owner}`.slice(0, 63),
			statementTimeoutMs: STEP_DEADLINE_MS * 2,
			idleInTransactionTimeoutMs: STEP_DEADLINE_MS * 2,
		});
		if (era !== this.#era) {
			destroy(client);
			throw new Error("the connection was given up while it was being made");
		}
		this.#client = client;
		return client;
	}

	reset(): void {
		this.#era++;
		if (this.#client !== null) destroy(this.#client);
		this.#client = null;
	}

	async close(): Promise<void> {
		const client = this.#client;
		this.#client = null;
		this.#era++;
		await client?.end();
	}
}
