import type pg from "pg";
import { DEAD_LETTER_COLUMNS, EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import { InvariantError } from "../core-errors.ts";
import type { CommitPhases, CommitSet, RecentCounts } from "../ports.ts";
import { commit } from "./commit.ts";
import { copyBinary } from "./copy.ts";
import { within } from "./deadline.ts";
import { errorCode } from "./errors.ts";
import { hourlyDeltas } from "./hourly-deltas.ts";
import { insertSessions, insertUsers, sessionRows, type UserRows, userRows } from "./insert-members.ts";
import type { BlockColumns } from "./member-blocks.ts";
import { type HourPlaces, mergeHours } from "./merge-hours.ts";
import { moveOffsets, type RowPlaces } from "./move-offsets.ts";
import { asRefusal, isRefusal } from "./refused-row.ts";
import { sumFolds } from "./sum-folds.ts";
import { UserNumbers } from "./user-numbers.ts";

/** What flushes of one connection learn for those after them. Thrown away when one of them fails, or may have. */
export class FlushMemory {
	readonly numbers = new UserNumbers();
	readonly places: RowPlaces = new Map();
	readonly hours: HourPlaces = new Map();
}

/** Users and sessions of a set as rows. */
interface Members {
	readonly users: UserRows;
	readonly sessions: BlockColumns;
}

/**
 * Step 7: one set, one READ COMMITTED transaction. The offset rows are compared and moved in it, so that it either
 * stores exactly `[from, to)` of every partition once, or nothing. Throws `FencedError` when a row is not where this
 * engine left it; any error leaves the transaction to be rolled back with the connection.
 */
export async function flush(
	client: pg.Client,
	topic: string,
	generation: string,
	set: CommitSet,
	recent: ReadonlyMap<number, RecentCounts>,
	memory: FlushMemory,
	stepDeadlineMs: number,
): Promise<CommitPhases> {
	const startedMs = performance.now();
	let sinceMs = startedMs;
	const lap = (): number => {
		const now = performance.now();
		const seconds = (now - sinceMs) / 1000;
		sinceMs = now;
		return seconds;
	};
	const step = <T>(name: string, work: Promise<T>): Promise<T> => within(client, name, stepDeadlineMs, work);

	const ours = <T>(name: string, work: Promise<T>): Promise<T> =>
		step(name, work).catch((error) => throwBug(name, error));

	const folds = set.parts.flatMap((part) => part.folds);
	await ours("move offsets", moveOffsets(client, topic, generation, set, folds, recent, memory.places));
	const lock = lap();
	const rows = rowsOf(set);
	let members: Members | undefined;
	const prepare = (): Members => ({
		users: userRows(
			memory.numbers,
			folds.map((fold) => fold.users),
		),
		sessions: sessionRows(folds.map((fold) => fold.sessions)),
	});
	if (rows.length > 0) {
		const meanwhile = () => {
			members = prepare();
		};
		const copied = copyBinary(client, "events", EVENT_COLUMNS, rows, meanwhile).catch((error) => {
			throw asRefusal(error, rows);
		});
		assertCopied(
			"events",
			await step("COPY events", copied),
			sumFolds(folds, (fold) => fold.rowCount),
		);
	}
	const copy = lap();
	const dead = folds.flatMap((fold) => fold.deadLetters);
	if (dead.length > 0) {
		const copied = await ours(
			"COPY dead letters",
			copyBinary(client, "dead_letters", DEAD_LETTER_COLUMNS, dead),
		);
		assertCopied(
			"dead_letters",
			copied,
			sumFolds(folds, (fold) => fold.deadLetterCount),
		);
	}
	const deadLetters = lap();
	members ??= prepare();
	const users = await ours("users", insertUsers(client, memory.numbers, members.users));
	const sessions = await ours("sessions", insertSessions(client, members.sessions));
	const membersSeconds = lap();
	const merged = mergeHours(client, hourlyDeltas(set.parts), users, sessions, memory.hours);
	await ours("hourly totals", merged);
	const merge = lap();
	await step("COMMIT", commit(client));
	memory.numbers.keep();
	const committed = lap();
	const total = (performance.now() - startedMs) / 1000;
	return { lock, copy, deadLetters, members: membersSeconds, merge, commit: committed, total };
}

/** The COPY tuples of all events of a set, in the order in which they are sent. */
export function rowsOf(set: CommitSet): readonly Uint8Array[] {
	return set.parts.flatMap((part) => part.folds.flatMap((fold) => fold.rows));
}

/** What was folded is what Postgres has taken, before the COMMIT (I2, asserted in production). */
function assertCopied(table: string, copied: number, folded: number): void {
	if (copied !== folded) {
		throw new InvariantError(`${folded} rows were folded for ${table}, and Postgres took ${copied}`);
	}
}

/**
 * Step 10: data exceptions (22), integrity (23) and limits (54) behind the events cannot come from an event. Trying again
 * would not help: stop with an alarm.
 */
function throwBug(step: string, error: unknown): never {
	if (!isRefusal(error)) throw error;
	const { message } = error as Error;
	throw new InvariantError(`Postgres refused our ${step}: ${message} (${errorCode(error)})`, {
		cause: error,
	});
}
