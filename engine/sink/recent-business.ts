/**
 * What the live page shows of Postgres, read on a connection of its own: read-only, with short time-outs, every few
 * seconds and only while somebody looks. Whatever happens to it, the engine's own connections do not notice; what was
 * read before stays, with the reason why it is old.
 */
import type pg from "pg";
import type { Business, DeadLetterSample, Reading } from "../../monitoring/live.ts";
import type { BusinessSource } from "../../monitoring/live-feed.ts";
import { messageOf } from "../core-errors.ts";
import type { Clock, Timer } from "../ports.ts";
import { connect, destroy, engineConnection, lossOf } from "./connect.ts";
import { within } from "./deadline.ts";
import { Corrections } from "./recent-corrections.ts";
import { readCounts, readDeadLetters, readHours } from "./recent-queries.ts";
import type { PostgresSettings } from "./settings.ts";

/** Hours change with every flush; nobody reads faster than this. */
const READ_INTERVAL_MS = 3_000;
/** Of one query, on the server; a view that takes longer is not worth a busy disk. */
const STATEMENT_TIMEOUT_MS = 1_500;
/** Of one query, as we see it: a frozen server does not keep its own time-outs. */
const DEADLINE_MS = 2_500;
const CONNECT_TIMEOUT_MS = 2_000;

const NOTHING = { value: null, readAtMs: null, trouble: null };

export interface RecentBusinessParts {
	readonly settings: PostgresSettings;
	/** Of the engine, as in `source_offsets.owner`. */
	readonly owner: string;
	readonly clock: Clock;
	/** Records of this engine that wait: while a backlog is read, every hour changes behind newer ones. */
	readonly isCatchingUp: () => boolean;
}

export class RecentBusiness implements BusinessSource {
	readonly #parts: RecentBusinessParts;
	readonly #corrections = new Corrections();
	#view: Business = { hours: NOTHING, counts: NOTHING, deadLetters: NOTHING };
	#client: pg.Client | null = null;
	#isWatched = false;
	#isStopped = false;
	#timer: Timer | null = null;
	#reading: Promise<void> | null = null;

	constructor(parts: RecentBusinessParts) {
		this.#parts = parts;
	}

	get view(): Business {
		return this.#view;
	}

	watch(isWatched: boolean): void {
		this.#isWatched = isWatched;
		if (isWatched && this.#timer === null && this.#reading === null) this.#next();
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#isWatched = false;
		this.#timer?.cancel();
		this.#timer = null;
		this.#letGo();
		await this.#reading;
		// A connection that came while we waited.
		this.#letGo();
	}

	/** One read now, and the next one later, for as long as somebody looks. */
	#next(): void {
		this.#timer = null;
		if (!this.#isWatched || this.#isStopped) {
			this.#letGo();
			return;
		}
		this.#reading = this.#read().finally(() => {
			this.#reading = null;
			if (this.#isStopped) return;
			this.#timer = this.#parts.clock.after(READ_INTERVAL_MS, () => this.#next());
		});
	}

	async #read(): Promise<void> {
		const client = await this.#connected();
		if (client === null) return;
		const { hours, counts, deadLetters } = this.#view;
		const isCatchingUp = this.#parts.isCatchingUp();
		this.#view = {
			hours: await this.#step(client, hours, async () => {
				const rows = await readHours(client);
				return this.#corrections.mark(rows, this.#parts.clock.nowMs(), isCatchingUp);
			}),
			counts: await this.#step(client, counts, () => readCounts(client)),
			deadLetters: await this.#step(client, deadLetters, async () =>
				withOlder(await readDeadLetters(client), deadLetters.value ?? []),
			),
		};
	}

	/** Each part for itself: a table that is locked or slow to read does not make the others old. */
	async #step<T>(client: pg.Client, before: Reading<T>, read: () => Promise<T>): Promise<Reading<T>> {
		try {
			if (lossOf(client) !== null) throw lossOf(client);
			const value = await within(client, "reading for the live page", DEADLINE_MS, read());
			return { value, readAtMs: this.#parts.clock.nowMs(), trouble: null };
		} catch (error) {
			// A query that ran into its time-out leaves the connection as it was; anything else is not worth finding out.
			if ((error as { code?: unknown }).code !== TIMED_OUT) this.#letGo();
			return { ...before, trouble: messageOf(error) };
		}
	}

	async #connected(): Promise<pg.Client | null> {
		if (this.#client !== null) return this.#client;
		const { settings, owner } = this.#parts;
		try {
			this.#client = await connect(settings, {
				applicationName: engineConnection("page", owner),
				statementTimeoutMs: STATEMENT_TIMEOUT_MS,
				lockTimeoutMs: STATEMENT_TIMEOUT_MS,
				connectTimeoutMs: CONNECT_TIMEOUT_MS,
			});
			await within(
				this.#client,
				"making the connection read-only",
				DEADLINE_MS,
				this.#client.query("SET default_transaction_read_only = on"),
			);
			return this.#client;
		} catch (error) {
			this.#letGo();
			const trouble = messageOf(error);
			const { hours, counts, deadLetters } = this.#view;
			this.#view = {
				hours: { ...hours, trouble },
				counts: { ...counts, trouble },
				deadLetters: { ...deadLetters, trouble },
			};
			return null;
		}
	}

	#letGo(): void {
		if (this.#client !== null) destroy(this.#client);
		this.#client = null;
	}
}

/** A reason that is rare among the newest keeps the sample it had. */
function withOlder(
	newest: readonly DeadLetterSample[],
	older: readonly DeadLetterSample[],
): readonly DeadLetterSample[] {
	const isKnown = ({ stage, reason }: DeadLetterSample) =>
		newest.some((one) => one.stage === stage && one.reason === reason);
	return [...newest, ...older.filter((one) => !isKnown(one))];
}

/** `query_canceled`: our own statement_timeout, or an administrator's cancel. */
const TIMED_OUT = "57014";
