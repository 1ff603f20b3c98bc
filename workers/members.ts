/**
 * Distinct users and sessions per hour: the (hour, id) pairs one partition met in one set and that Postgres may not
 * know yet. Postgres decides what is new, by inserting; the stored ids only keep known pairs from being sent.
 *
 * A pair that is pending in an earlier set is sent with this one again: the earlier set may still be rolled back,
 * for this partition alone too.
 */
import { ByteWriter, utf8BytesMax } from "./byte-writer.ts";
import type { CandidateColumns } from "./part.ts";
import { emptyHourIds, type HourIds, SET_ENTRIES_MAX, type StoredIds } from "./stored-ids.ts";

const SECONDS_PER_HOUR = 3_600;

/** An element of an array of `timestamptz` or `int8`: int32 length and eight bytes. */
const EIGHT_BYTE_ELEMENT = 12;

export class Members {
	readonly #stored: StoredIds;
	readonly #entriesMax: number;
	readonly #hours = new Map<number, HourIds>();
	/** Where a Set grew too large, the hour began anew: a pair met in both is sent twice, which does no harm. */
	readonly #full: { readonly hour: number; readonly ids: HourIds }[] = [];
	#lastHour = Number.NaN;
	/** Null until the hour has a pair that is not stored. */
	#last: HourIds | null = null;
	#lastStored: Readonly<HourIds> | undefined;
	#storedVersion = -1;

	/** `stored`: what all partitions of the actor know together. */
	constructor(stored: StoredIds, entriesMax: number = SET_ENTRIES_MAX) {
		this.#stored = stored;
		this.#entriesMax = entriesMax;
	}

	/** Notes that the user was active in `hour` (whole hours since 1970). */
	addUser(hour: number, userId: string): void {
		if (hour !== this.#lastHour || this.#storedVersion !== this.#stored.version) this.#select(hour);
		if (this.#lastStored?.users.has(userId)) return;
		const ids = this.#last ?? this.#open(hour);
		ids.users.add(userId);
		if (ids.users.size >= this.#entriesMax) this.#startAnew(hour, ids);
	}

	/** Notes that the session logged in within `hour`. */
	addSession(hour: number, sessionId: number): void {
		if (hour !== this.#lastHour || this.#storedVersion !== this.#stored.version) this.#select(hour);
		if (this.#lastStored?.sessions.has(sessionId)) return;
		const ids = this.#last ?? this.#open(hour);
		ids.sessions.add(sessionId);
		if (ids.sessions.size >= this.#entriesMax) this.#startAnew(hour, ids);
	}

	/** The pairs (hour, user) as array elements of `timestamptz` and `text`. */
	userColumns(): CandidateColumns {
		return this.#columns(
			(ids) => ids.users,
			(out, userId) => {
				out.reserve(4 + utf8BytesMax(userId));
				out.text(userId);
			},
		);
	}

	/** The pairs (hour, session) as array elements of `timestamptz` and `int8`. */
	sessionColumns(): CandidateColumns {
		return this.#columns(
			(ids) => ids.sessions,
			(out, sessionId) => {
				out.reserve(EIGHT_BYTE_ELEMENT);
				out.int32(8);
				out.int64(sessionId);
			},
		);
	}

	/** Hands all pairs to the stored ids: their set is committed. This object must not be used afterwards. */
	store(): void {
		for (const [hour, ids] of this.#hours) this.#stored.add(hour, ids);
		for (const { hour, ids } of this.#full) this.#stored.add(hour, ids);
	}

	#columns<T>(
		pick: (ids: HourIds) => ReadonlySet<T>,
		encode: (out: ByteWriter, id: T) => void,
	): CandidateColumns {
		const hours = new ByteWriter();
		const ids = new ByteWriter();
		let count = 0;
		const addAll = (hour: number, set: ReadonlySet<T>): void => {
			count += set.size;
			for (const id of set) {
				hours.reserve(EIGHT_BYTE_ELEMENT);
				hours.int32(8);
				hours.timestamp(hour * SECONDS_PER_HOUR, 0);
				encode(ids, id);
			}
		};
		for (const [hour, of] of this.#hours) addAll(hour, pick(of));
		for (const { hour, ids: of } of this.#full) addAll(hour, pick(of));
		return { count, hours: hours.takeWhole(), ids: ids.takeWhole() };
	}

	#select(hour: number): void {
		this.#last = this.#hours.get(hour) ?? null;
		this.#lastHour = hour;
		this.#lastStored = this.#stored.of(hour);
		this.#storedVersion = this.#stored.version;
	}

	#open(hour: number): HourIds {
		const ids = emptyHourIds();
		this.#hours.set(hour, ids);
		this.#last = ids;
		return ids;
	}

	#startAnew(hour: number, ids: HourIds): void {
		this.#full.push({ hour, ids });
		this.#open(hour);
	}
}
