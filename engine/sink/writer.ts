import type pg from "pg";
import { release } from "../../workers/release.ts";
import { FencedError, RefusedRowError } from "../core-errors.ts";
import type { Claim, CommitPhases, CommitSet, Pulse, RecentCounts, Store } from "../ports.ts";
import { freeingLocks, terminateBlockers } from "./blockers.ts";
import { claim, type LedgerIdentity } from "./claim.ts";
import { connect, destroy, engineConnection } from "./connect.ts";
import { within } from "./deadline.ts";
import { findRefusedRow } from "./find-refused-row.ts";
import { FlushMemory, flush, rowsOf } from "./flush.ts";
import { Lane } from "./lane.ts";
import type { PostgresSettings } from "./settings.ts";

/**
 * Longest time for one step of a transaction. Waiting for a lock is most of it: a flush in flight elsewhere takes well
 * under a second; an engine that froze in mid-transaction is made to give its locks up long before (blockers.ts).
 */
const STEP_DEADLINE_MS = 30_000;

const PING_DEADLINE_MS = 5_000;
/** The server's own limits on our sessions lie behind our deadlines: they end what a dead engine has left. */
const SESSION_LIMIT_MS = STEP_DEADLINE_MS * 2;

/**
 * Postgres behind the `Store` port: one connection that writes, one that claims (a claim waits for locks, and must not
 * wait behind our own flush), one that only asks whether the server is there, and, when a lock does not come, one that
 * frees it (blockers.ts). All but the asking one are thrown away together on any doubt, and made anew when next needed.
 */
export class PostgresStore implements Store {
	readonly #settings: PostgresSettings;
	readonly #identity: LedgerIdentity;
	readonly #lanes: { readonly writer: Lane; readonly claimer: Lane };
	readonly #probe = new Lane({ name: "probe", sessionLimitMs: SESSION_LIMIT_MS });
	readonly #rescuer = new Lane({ name: "rescuer", sessionLimitMs: SESSION_LIMIT_MS });
	/**
	 * Called when a connection that writes or claims is lost while nothing is under way on it. The server may have been
	 * restored, and offsets and rows have gone back together: without this, a topic that is quiet would never find out.
	 */
	onLost: (error: Error) => void = () => {};
	/** Connection of the last search for a refused row: a recovery must not wait for it. */
	#finder: pg.Client | null = null;
	/** As of the first claim after a reset; null before it. */
	#generation: string | null = null;
	/** A new one after every reset: Postgres may have gone back, and a commit given up may still be at work on the old one. */
	#memory = new FlushMemory();

	constructor(settings: PostgresSettings, identity: LedgerIdentity) {
		this.#settings = settings;
		this.#identity = identity;
		const lane = (name: "writer" | "claimer"): Lane =>
			new Lane({ name, sessionLimitMs: SESSION_LIMIT_MS, onLost: (error) => this.onLost(error) });
		this.#lanes = { writer: lane("writer"), claimer: lane("claimer") };
	}

	async claim(lowWatermarks: ReadonlyMap<number, number>): Promise<readonly Claim[]> {
		const { claims, generation } = await this.#use(this.#lanes.claimer, (client) => {
			const work = freeingLocks(client, this.#free, claim(client, this.#identity, lowWatermarks));
			return within(client, "claim", STEP_DEADLINE_MS, work);
		});
		if (this.#generation !== null && this.#generation !== generation) {
			// What is kept of other partitions was learnt under the old one: flushing it under the new one would hide that.
			throw new FencedError("recompute or erase has run: everything must be claimed anew");
		}
		this.#generation = generation;
		return claims;
	}

	async commit(set: CommitSet, recent: ReadonlyMap<number, RecentCounts>): Promise<CommitPhases> {
		const generation = this.#generation;
		if (generation === null) throw new FencedError("nothing is claimed");
		const memory = this.#memory;
		return await this.#use(this.#lanes.writer, async (client) => {
			try {
				const work = flush(client, this.#identity.topic, generation, set, recent, memory, STEP_DEADLINE_MS);
				const phases = await freeingLocks(client, this.#free, work);
				// Committed, so that nobody asks for these bytes again. Chunks may share a buffer.
				release([...new Set(rowsOf(set).map(({ buffer }) => buffer as ArrayBuffer))]);
				return phases;
			} catch (error) {
				const isUnplaced = error instanceof RefusedRowError && error.place === null;
				throw isUnplaced ? await this.#placed(error, set) : error;
			}
		});
	}

	/** The same error with its record, if that can be found; a failure to look is told as it is. */
	async #placed(error: RefusedRowError, set: CommitSet): Promise<unknown> {
		const place = await findRefusedRow(rowsOf(set), async () => {
			this.#finder = await connect(this.#settings, {
				applicationName: engineConnection("finder", this.#identity.owner),
				statementTimeoutMs: STEP_DEADLINE_MS,
				idleInTransactionTimeoutMs: STEP_DEADLINE_MS,
			});
			return this.#finder;
		});
		return new RefusedRowError(error.message, error.code, place, { cause: error.cause });
	}

	async ping(): Promise<Pulse> {
		// One that was idle may have been lost for a reason of its own: the server is judged by a new one.
		if (this.#probe.isLost) this.#probe.reset();
		try {
			const { rows } = await this.#use(this.#probe, (client) => {
				const work = client.query<{ readonly: string; oldest: number | null }>(`
					SELECT current_setting('transaction_read_only') AS readonly,
						(SELECT extract(epoch FROM clock_timestamp() - min(xact_start))::float8 FROM pg_stat_activity
						 WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
						) AS oldest`);
				return within(client, "ping", PING_DEADLINE_MS, work);
			});
			if (rows[0]?.readonly === "on") throw new Error("the server is read-only");
			return { oldestSnapshotSeconds: rows[0]?.oldest ?? null };
		} catch (error) {
			this.#probe.reset();
			throw error;
		}
	}

	/** What goes wrong here is no failure of the work that waits: its own deadline still ends the wait. */
	readonly #free = async (pid: number): Promise<void> => {
		try {
			await this.#use(this.#rescuer, (client) =>
				within(client, "free locks", PING_DEADLINE_MS, terminateBlockers(client, pid)),
			);
		} catch {
			this.#rescuer.reset();
		}
	};

	#use<T>(lane: Lane, work: (client: pg.Client) => Promise<T>): Promise<T> {
		return lane.use(this.#settings, this.#identity.owner, work);
	}

	reset(): void {
		if (this.#finder !== null) destroy(this.#finder);
		this.#finder = null;
		this.#generation = null;
		this.#memory = new FlushMemory();
		for (const lane of [...Object.values(this.#lanes), this.#rescuer]) lane.reset();
	}

	async close(): Promise<void> {
		for (const lane of [...Object.values(this.#lanes), this.#probe, this.#rescuer]) await lane.close();
	}
}
