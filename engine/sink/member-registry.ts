import { createHash } from "node:crypto";
import type pg from "pg";
import type { Log } from "../log.ts";
import type { Clock, Timer } from "../ports.ts";
import { connect, destroy, engineConnection } from "./connect.ts";
import { within } from "./deadline.ts";
import type { PostgresSettings } from "./settings.ts";

/** Who we are, and where. `owner` is unique to a run of an engine. */
export interface Membership {
	readonly owner: string;
	readonly topic: string;
	readonly groupId: string;
}

/** Leaves the group in the name of this member; resolves also when the group knows it no more. */
export type Leave = (memberId: string) => Promise<void>;

const STEP_DEADLINE_MS = 3_000;
/** After the connection was lost: soon, since without its lock a living engine looks dead to one that starts. */
const RECONNECT_MS = 200;
const RECONNECT_MS_MAX = 5_000;

/**
 * Tells the living engines from the dead (K34): each holds an advisory lock on a connection of its own for as long as it
 * lives, and has written down which member of the group it is. A killed process loses its lock within milliseconds; a
 * frozen one keeps it. Nothing that is counted depends on it: being taken for dead costs a rebalance.
 */
export class MemberRegistry {
	readonly #settings: PostgresSettings;
	readonly #membership: Membership;
	readonly #clock: Clock;
	readonly #log: Log;
	#client: pg.Client | null = null;
	#memberId: string | null = null;
	#stopped = false;
	#reconnect: Timer | null = null;
	#delayMs = RECONNECT_MS;
	/** One query behind the other: the connection is one. */
	#line: Promise<unknown> = Promise.resolve();

	constructor(settings: PostgresSettings, membership: Membership, clock: Clock, log: Log) {
		this.#settings = settings;
		this.#membership = membership;
		this.#clock = clock;
		this.#log = log.child({ component: "group" });
	}

	/** Takes the lock. Never rejects: without Postgres it tries again by itself, and a killed member is waited for. */
	async start(): Promise<void> {
		await this.#open();
	}

	/** The group has given us this name. Resolves when it is written down, or cannot be for now; never rejects. */
	async joined(memberId: string): Promise<void> {
		if (this.#memberId === memberId) return;
		this.#memberId = memberId;
		await this.#use((client) => this.#write(client)).catch(() => {});
	}

	/**
	 * Leaves the group for all members of it whose engines are dead.
	 * @returns the owners that were; rejects when Postgres or `leave` does
	 */
	bury(leave: Leave): Promise<string[]> {
		const { owner, topic, groupId } = this.#membership;
		return this.#use(async (client) => {
			const buried: string[] = [];
			const { rows } = await this.#query<{ owner: string; memberId: string; key: string }>(
				client,
				`SELECT owner, member_id AS "memberId", lock_key AS key FROM engine_members
				 WHERE owner <> $1 AND topic = $2 AND group_id = $3`,
				[owner, topic, groupId],
			);
			for (const row of rows) {
				if (!(await this.#tryLock(client, row.key))) continue;
				try {
					await leave(row.memberId);
					await this.#query(client, "DELETE FROM engine_members WHERE owner = $1", [row.owner]);
					buried.push(row.owner);
				} finally {
					await this.#query(client, "SELECT pg_advisory_unlock($1)", [row.key]);
				}
			}
			return buried;
		});
	}

	/** We have left the group. Never rejects; safe twice. */
	async stop(): Promise<void> {
		this.#stopped = true;
		this.#reconnect?.cancel();
		const { owner } = this.#membership;
		await this.#use(async (client) => {
			await this.#query(client, "DELETE FROM engine_members WHERE owner = $1", [owner]);
		}).catch(() => {});
		if (this.#client !== null) destroy(this.#client);
		this.#client = null;
	}

	async #open(): Promise<void> {
		try {
			const { owner } = this.#membership;
			const client = await connect(this.#settings, {
				applicationName: engineConnection("member", owner),
				statementTimeoutMs: STEP_DEADLINE_MS,
			});
			if (this.#stopped) {
				destroy(client);
				return;
			}
			client.once("end", () => this.#lost(client));
			this.#client = client;
			// Held by nobody else, unless the server has not yet noticed the end of our former connection.
			if (!(await this.#tryLock(client, lockKeyOf(owner)))) throw new Error("our lock is still held");
			if (this.#memberId !== null) await this.#write(client);
			this.#delayMs = RECONNECT_MS;
		} catch (error) {
			this.#log.debug({ err: error }, "the register of engines cannot be reached");
			if (this.#client !== null) destroy(this.#client);
			this.#again();
		}
	}

	#lost(client: pg.Client): void {
		if (this.#client !== client) return;
		this.#client = null;
		this.#again();
	}

	#again(): void {
		this.#client = null;
		if (this.#stopped) return;
		this.#reconnect?.cancel();
		this.#reconnect = this.#clock.after(this.#delayMs, () => void this.#open());
		this.#delayMs = Math.min(this.#delayMs * 2, RECONNECT_MS_MAX);
	}

	async #write(client: pg.Client): Promise<void> {
		const { owner, topic, groupId } = this.#membership;
		await this.#query(
			client,
			`INSERT INTO engine_members (owner, topic, group_id, member_id, lock_key) VALUES ($1, $2, $3, $4, $5)
			 ON CONFLICT (owner) DO UPDATE SET member_id = excluded.member_id, joined_at = now()`,
			[owner, topic, groupId, this.#memberId, lockKeyOf(owner)],
		);
	}

	async #tryLock(client: pg.Client, key: string): Promise<boolean> {
		const { rows } = await this.#query<{ free: boolean }>(client, "SELECT pg_try_advisory_lock($1) AS free", [
			key,
		]);
		return rows[0]?.free === true;
	}

	#query<Row extends pg.QueryResultRow>(
		client: pg.Client,
		sql: string,
		values: unknown[],
	): Promise<pg.QueryResult<Row>> {
		return within(client, "register of engines", STEP_DEADLINE_MS, client.query<Row>(sql, values));
	}

	#use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
		const result = this.#line.then(() => {
			if (this.#client === null) throw new Error("not connected to the register of engines");
			return work(this.#client);
		});
		this.#line = result.catch(() => {});
		return result;
	}
}

/** An int8: the one-number keys of advisory locks are a space of their own, beside the pairs of locks.ts. */
export function lockKeyOf(owner: string): string {
	return String(createHash("sha256").update(owner).digest().readBigInt64BE(0));
}
