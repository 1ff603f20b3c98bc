import { messageOf } from "../core-errors.ts";
import { connect, destroy, engineConnection } from "../sink/connect.ts";
import { within } from "../sink/deadline.ts";
import { lockKeyOf } from "../sink/member-registry.ts";
import type { PostgresSettings } from "../sink/settings.ts";
import { TurnLostError } from "./errors.ts";

/** What Postgres has counted of the file. */
export interface Counted {
	readonly nextOffset: number;
	readonly last: { readonly offset: number; readonly hash: Uint8Array } | null;
}

/**
 * Which of several engines reads the file: what the consumer group is for Kafka. Nothing that is counted depends on it
 * (the epoch of the offset row fences whoever is wrong); without it two engines would fence each other for ever. All but `release` reject with `TurnLostError` when Postgres does not
 * answer; then the turn is not ours any more.
 */
export interface Turn {
	/** Null when it is ours now, or was already; else who has it, for people. */
	take(): Promise<string | null>;
	/** Asks whether it is still ours: resolves when it is. */
	confirm(): Promise<void>;
	/** Null when nothing was counted yet. Only while the turn is ours. */
	counted(): Promise<Counted | null>;
	/** Never rejects; safe twice. */
	release(): Promise<void>;
}

const STEP_DEADLINE_MS = 3_000;

type Client = Awaited<ReturnType<typeof connect>>;

/**
 * An advisory lock on a connection of its own: a killed engine loses it within milliseconds. A frozen one keeps it for
 * as long as its connection lives; then nobody else reads, until it is killed.
 */
export class PostgresTurn implements Turn {
	readonly #settings: PostgresSettings;
	readonly #owner: string;
	readonly #topic: string;
	#client: Client | null = null;
	#isOurs = false;

	constructor(settings: PostgresSettings, { owner, topic }: { owner: string; topic: string }) {
		this.#settings = settings;
		this.#owner = owner;
		this.#topic = topic;
	}

	async take(): Promise<string | null> {
		if (this.#isOurs && this.#client !== null) return null;
		this.#client ??= await this.#connect();
		const key = lockKeyOf(`file source of ${this.#topic}`);
		const [row] = await this.#query<{ free: boolean }>("SELECT pg_try_advisory_lock($1) AS free", [key]);
		this.#isOurs = row?.free === true;
		return this.#isOurs ? null : await this.#holderOf(key);
	}

	async confirm(): Promise<void> {
		await this.#query("SELECT 1", []);
	}

	async counted(): Promise<Counted | null> {
		const [row] = await this.#query<{ next: string; offset: string | null; hash: Buffer | null }>(
			`SELECT next_offset AS next, last_record_offset AS offset, last_record_hash AS hash
			 FROM source_offsets WHERE topic = $1 AND kafka_partition = 0`,
			[this.#topic],
		);
		if (row === undefined) return null;
		const { next, offset, hash } = row;
		const last = offset === null || hash === null ? null : { offset: Number(offset), hash };
		return { nextOffset: Number(next), last };
	}

	async release(): Promise<void> {
		if (this.#client !== null) destroy(this.#client);
		this.#client = null;
		this.#isOurs = false;
	}

	async #connect(): Promise<Client> {
		try {
			return await connect(this.#settings, {
				applicationName: engineConnection("file", this.#owner),
				statementTimeoutMs: STEP_DEADLINE_MS,
			});
		} catch (error) {
			throw lost(error);
		}
	}

	/** The key of a one-number lock is shown as two halves. */
	async #holderOf(key: string): Promise<string> {
		const [row] = await this.#query<{ name: string }>(
			`SELECT a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
				AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND (l.classid::bigint << 32) | l.objid::bigint = $1::bigint`,
			[key],
		);
		return row?.name || "another engine";
	}

	/** A connection in doubt is thrown away, and the lock with it. */
	async #query<Row extends object>(sql: string, values: unknown[]): Promise<Row[]> {
		const client = this.#client;
		if (client === null) throw lost("not connected to Postgres");
		try {
			const { rows } = await within(client, "turn", STEP_DEADLINE_MS, client.query<Row>(sql, values));
			return rows;
		} catch (error) {
			await this.release();
			throw lost(error);
		}
	}
}

function lost(cause: unknown): TurnLostError {
	return new TurnLostError(`the turn to read the file is lost: ${messageOf(cause)}`, { cause });
}
