/**
 * Distinct users and sessions per hour: the (hour, id) pairs one partition met in one set and that Postgres may not
 * know yet. Postgres decides what is new, by inserting; the stored ids only keep known pairs from being sent.
 *
 * A pair that is pending in an earlier set is sent with this one again: the earlier set may still be rolled back,
 * for this partition alone too.
 */
import type { IdHash } from "./id-hash.ts";
import type { IdTable } from "./id-table.ts";
import type { CandidateColumns } from "./part.ts";
import type { PendingPairs } from "./pending-pairs.ts";
import type { IdKind, StoredIds } from "./stored-ids.ts";

/** A session's id is handled as its `int8`. */
const SESSION_BYTES = 8;
const TWO_32 = 4_294_967_296;

/** The session in hand: a thread handles one at a time. */
const session = new Uint8Array(SESSION_BYTES);
const sessionView = new DataView(session.buffer);

export class Members {
	readonly #stored: StoredIds;
	readonly #hash: IdHash;
	readonly #users: PendingPairs;
	readonly #sessions: PendingPairs;
	#hour = Number.NaN;
	#hourSum = 0;
	#storedUsers: IdTable | null = null;
	#storedSessions: IdTable | null = null;
	#storedVersion = -1;
	/** Whether this share asks the stored ids and adds to them (worth-asking.ts), and how many events met a stored pair. */
	readonly #userWeight: number;
	readonly #sessionWeight: number;
	#knownUsers = 0;
	#knownSessions = 0;
	#isStored = false;
	/** Of the hashes of the pending pairs. */
	#generation: number;

	/** `stored`: what all partitions of the actor know together. */
	constructor(stored: StoredIds) {
		this.#stored = stored;
		this.#hash = stored.hash;
		this.#generation = stored.generation;
		this.#users = stored.pool.take();
		this.#sessions = stored.pool.take();
		this.#userWeight = stored.worthAsking.users.next();
		this.#sessionWeight = stored.worthAsking.sessions.next();
	}

	/** Notes that the user whose id is in `[start, end)` of `bytes` was active in `hour` (whole hours since 1970). */
	addUser(hour: number, bytes: Uint8Array, start: number, end: number): void {
		if (hour !== this.#hour || this.#storedVersion !== this.#stored.version) this.#select(hour);
		const hash = this.#hash.of(this.#hourSum, bytes, start, end);
		if (this.#storedUsers?.has(hash, bytes, start, end)) this.#knownUsers++;
		else if (!this.#users.add(hour, hash, bytes, start, end)) this.#stored.crowded();
	}

	/** Notes that the session logged in within `hour`. */
	addSession(hour: number, sessionId: number): void {
		if (hour !== this.#hour || this.#storedVersion !== this.#stored.version) this.#select(hour);
		sessionView.setInt32(0, Math.floor(sessionId / TWO_32));
		sessionView.setInt32(4, sessionId >>> 0);
		const hash = this.#hash.of(this.#hourSum, session, 0, SESSION_BYTES);
		if (this.#storedSessions?.has(hash, session, 0, SESSION_BYTES)) this.#knownSessions++;
		else if (!this.#sessions.add(hour, hash, session, 0, SESSION_BYTES)) this.#stored.crowded();
	}

	/** The pairs (hour, user) as array elements of `timestamptz` and `text`. */
	userColumns(): CandidateColumns {
		return this.#users.columns();
	}

	/** The pairs (hour, session) as array elements of `timestamptz` and `int8`. */
	sessionColumns(): CandidateColumns {
		return this.#sessions.columns();
	}

	/**
	 * Hands the pairs to the stored ids, where that is worth it: their set is committed. Nothing may be added afterwards;
	 * safe twice.
	 */
	store(): void {
		if (this.#isStored) return;
		this.#isStored = true;
		this.#storeAll("users", this.#users, this.#userWeight, this.#knownUsers);
		this.#storeAll("sessions", this.#sessions, this.#sessionWeight, this.#knownSessions);
		this.#stored.pool.giveBack(this.#users);
		this.#stored.pool.giveBack(this.#sessions);
	}

	#storeAll(kind: IdKind, pending: PendingPairs, weight: number, known: number): void {
		if (weight === 0) return;
		this.#stored.worthAsking[kind].learn(known * weight, pending.count);
		this.#refreshHashes();
		pending.forEach((hour, hash, bytes, start, end) => {
			this.#stored.add(kind, hour, hash, bytes, start, end);
			// Adding may have drawn new hashes, and a pair under an old one would be known and never found.
			this.#refreshHashes();
		});
	}

	#select(hour: number): void {
		this.#refreshHashes();
		const known = this.#stored.of(hour);
		this.#storedUsers = this.#userWeight > 0 ? (known?.users ?? null) : null;
		this.#storedSessions = this.#sessionWeight > 0 ? (known?.sessions ?? null) : null;
		this.#hourSum = this.#hash.hourSum(hour);
		this.#hour = hour;
		this.#storedVersion = this.#stored.version;
	}

	#refreshHashes(): void {
		const { generation } = this.#stored;
		if (this.#generation === generation) return;
		this.#generation = generation;
		this.#users.rehash(this.#hash);
		this.#sessions.rehash(this.#hash);
	}
}
