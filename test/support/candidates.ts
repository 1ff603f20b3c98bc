/** Candidate columns for tests: (hour, id) pairs as the actors encode them. */
import type pg from "pg";
import {
	insertSessions,
	insertUsers,
	type NewMembers,
	sessionRows,
	userRows,
} from "../../engine/sink/insert-members.ts";
import type { UserNumbers } from "../../engine/sink/user-numbers.ts";
import type { CandidateColumns } from "../../workers/part.ts";

/** Hours between 1970 and 2000, where Postgres's time begins. */
const HOURS_2000 = 262_968;
const MICROS_PER_HOUR = 3_600_000_000n;

export interface Pair<Id> {
	/** Whole hours since 1970. */
	readonly hour: number;
	readonly id: Id;
}

export function userColumns(pairs: readonly Pair<string>[]): CandidateColumns {
	return columnsOf(pairs, (id) => Buffer.from(id));
}

export function sessionColumns(pairs: readonly Pair<number>[]): CandidateColumns {
	return columnsOf(pairs, (id) => int8(BigInt(id)));
}

function columnsOf<Id>(pairs: readonly Pair<Id>[], encode: (id: Id) => Buffer): CandidateColumns {
	const hours = pairs.map(({ hour }) => element(int8(BigInt(hour - HOURS_2000) * MICROS_PER_HOUR)));
	const ids = pairs.map(({ id }) => element(encode(id)));
	return { count: pairs.length, hours: joined(hours), ids: joined(ids) };
}

function element(bytes: Buffer): Buffer {
	const length = Buffer.alloc(4);
	length.writeInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
}

function int8(value: bigint): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigInt64BE(value);
	return bytes;
}

/** At an offset of its own buffer, as a part of a larger message may be. */
function joined(elements: readonly Buffer[]): Uint8Array<ArrayBuffer> {
	const bytes = Buffer.concat([Buffer.alloc(3), ...elements]);
	return new Uint8Array(bytes).subarray(3);
}

/** As a flush does it. */
export function storeUsers(
	client: pg.Client,
	numbers: UserNumbers,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	return insertUsers(client, numbers, userRows(numbers, candidates));
}

/** As a flush does it. */
export function storeSessions(
	client: pg.Client,
	candidates: readonly CandidateColumns[],
): Promise<NewMembers> {
	return insertSessions(client, sessionRows(candidates));
}
