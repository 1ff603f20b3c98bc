/**
 * The (hour, id) pairs one actor knows to be in Postgres, so that they are not sent with every set again.
 *
 * It may forget whatever it likes: that only costs inserts that change nothing. It must never hold a pair that is
 * not committed: that pair would never be sent, and the hour would be short of a user for ever.
 */

/** A JS Set throws at 2^24 entries; no Set of ours comes near. */
export const SET_ENTRIES_MAX = 16_000_000;

/** Hours kept at most, a leap year: the two Sets of an hour cost about 500 bytes before they hold anything. */
const HOURS_MAX = 8_784;

/** Distinct ids of one hour. */
export interface HourIds {
	readonly users: Set<string>;
	/** Sessions that logged in within the hour. */
	readonly sessions: Set<number>;
}

export function emptyHourIds(): HourIds {
	return { users: new Set(), sessions: new Set() };
}

export class StoredIds {
	readonly #idsMax: number;
	readonly #entriesMax: number;
	readonly #hours = new Map<number, HourIds>();
	/** The keys of `#hours`, ascending. */
	#ascending: number[] = [];
	#size = 0;
	/** Changes whenever an hour comes or goes, so that whoever keeps one in hand asks again. */
	version = 0;

	/** `idsMax`: users and sessions of all hours together; `entriesMax`: of one Set. */
	constructor(idsMax: number, entriesMax: number = SET_ENTRIES_MAX) {
		this.#idsMax = idsMax;
		this.#entriesMax = entriesMax;
	}

	/** Ids kept now, users and sessions of all hours together. */
	get size(): number {
		return this.#size;
	}

	/** What is known of an hour (whole hours since 1970). */
	of(hour: number): Readonly<HourIds> | undefined {
		return this.#hours.get(hour);
	}

	/**
	 * Takes over `ids`, which must be committed and is the cache's own from now on. When there is no room, whole
	 * hours older than `hour` are forgotten, the oldest first: new events rarely belong to them. When that is not
	 * enough, `ids` is not kept, so that a late straggler cannot push out the hour everybody is in.
	 */
	add(hour: number, ids: HourIds): void {
		const count = ids.users.size + ids.sessions.size;
		if (count === 0 || !this.#makeRoom(hour, count)) return;
		const known = this.#hours.get(hour);
		if (known === undefined) {
			this.#insert(hour, ids);
			this.#size += count;
			return;
		}
		this.#size += union(known.users, ids.users, this.#entriesMax);
		this.#size += union(known.sessions, ids.sessions, this.#entriesMax);
	}

	/** Forgets everything. */
	clear(): void {
		this.#hours.clear();
		this.#ascending = [];
		this.#size = 0;
		this.version++;
	}

	#makeRoom(hour: number, count: number): boolean {
		if (count > this.#idsMax) return false;
		const hoursMax = this.#hours.has(hour) ? HOURS_MAX : HOURS_MAX - 1;
		while (this.#size + count > this.#idsMax || this.#hours.size > hoursMax) {
			const oldest = this.#ascending[0];
			if (oldest === undefined || oldest >= hour) return false;
			this.#evictOldest(oldest);
		}
		return true;
	}

	#insert(hour: number, ids: HourIds): void {
		let low = 0;
		let high = this.#ascending.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#ascending[middle]! < hour) low = middle + 1;
			else high = middle;
		}
		this.#ascending.splice(low, 0, hour);
		this.#hours.set(hour, ids);
		this.version++;
	}

	#evictOldest(hour: number): void {
		const ids = this.#hours.get(hour)!;
		this.#size -= ids.users.size + ids.sessions.size;
		this.#hours.delete(hour);
		this.#ascending.shift();
		this.version++;
	}
}

/** Adds `more` to `known` while there is room; gives the number of ids that were new. */
function union<T>(known: Set<T>, more: ReadonlySet<T>, entriesMax: number): number {
	const before = known.size;
	for (const id of more) {
		if (known.size >= entriesMax) break;
		known.add(id);
	}
	return known.size - before;
}
