/**
 * The (hour, id) pairs one actor knows to be in Postgres, so that they are not sent with every set again.
 *
 * It may forget whatever it likes: that only costs inserts that change nothing. It must never hold a pair that is
 * not committed: that pair would never be sent, and the hour would be short of a user for ever.
 */
import { IdHash } from "./id-hash.ts";
import { IdTable } from "./id-table.ts";
import { PairsPool } from "./pending-pairs.ts";
import { WINDOW_MAX, WorthAsking } from "./worth-asking.ts";

/** Hours kept at most, a leap year: an hour costs about a kilobyte before it holds much. */
const HOURS_MAX = 8_784;

/** Ids of up to 10 bytes take at most 44 each; a bound in bytes is needed since an id may have 1,024. */
const BYTES_PER_ID = 64;
/** So that a few ids are kept whatever they are. */
const BYTES_MAX_LEAST = 64 * 1024;

/** Users, and sessions that logged in, each in a table of its own: a user may be called what a session is. */
export type IdKind = "users" | "sessions";

/** Distinct ids of one hour. */
type StoredHour = Readonly<Record<IdKind, IdTable>>;

export class StoredIds {
	/** Hashes of pairs of hour and id; worthless when `generation` changes. */
	readonly hash: IdHash;
	/** For the pending pairs of all partitions. */
	readonly pool = new PairsPool();
	/** Asked by each partition's share of a set: what is not asked for is not kept either. */
	readonly worthAsking: Readonly<Record<IdKind, WorthAsking>>;
	readonly #idsMax: number;
	readonly #bytesMax: number;
	readonly #hours = new Map<number, StoredHour>();
	/** The keys of `#hours`, ascending. */
	#ascending: number[] = [];
	#size = 0;
	#byteLength = 0;
	/** Changes whenever an hour comes or goes or hashes change, so that whoever keeps either in hand asks again. */
	version = 0;
	/** The hour of the last pair added: pairs come hour by hour. */
	#lastHour = Number.NaN;
	#last: StoredHour | undefined;
	#lastVersion = -1;
	/** How often new hashes were drawn. */
	generation = 0;
	#refusals = 0;

	/**
	 * @param idsMax users and sessions of all hours together
	 * @param window of the decisions whether it is worth asking
	 */
	constructor(idsMax: number, hash: IdHash = new IdHash(), window = Math.min(WINDOW_MAX, idsMax)) {
		this.#idsMax = idsMax;
		this.#bytesMax = BYTES_MAX_LEAST + idsMax * BYTES_PER_ID;
		this.hash = hash;
		this.worthAsking = { users: new WorthAsking(window), sessions: new WorthAsking(window) };
	}

	/** Ids kept now, users and sessions of all hours together. */
	get size(): number {
		return this.#size;
	}

	/** Bytes of all tables; may pass the limit by one growth of one table. */
	get byteLength(): number {
		return this.#byteLength;
	}

	/** What is known of an hour (whole hours since 1970). */
	of(hour: number): StoredHour | undefined {
		return this.#hours.get(hour);
	}

	/**
	 * Takes in the id in `[start, end)` of `bytes`, whose pair with `hour` must be committed; `hash` is the pair's. When
	 * there is no room, whole hours older than `hour` are forgotten, the oldest first: new events rarely belong to them.
	 * When that is not enough, the id is not kept, so that a late straggler cannot push out the hour everybody is in.
	 */
	add(kind: IdKind, hour: number, hash: number, bytes: Uint8Array, start: number, end: number): void {
		if (hour !== this.#lastHour || this.#lastVersion !== this.version) this.#select(hour);
		const known = tableOf(this.#last, kind);
		const place = known === undefined ? -1 : known.find(hash, bytes, start, end);
		if (place >= 0 || !this.#makeRoom(hour, known !== undefined)) return;
		const table = known ?? tableOf(this.#insert(hour), kind)!;
		const { byteLength, count } = table;
		const isTaken = table.add(place, hash, bytes, start, end);
		this.#size += table.count - count;
		this.#byteLength += table.byteLength - byteLength;
		if (!isTaken) this.crowded();
	}

	/**
	 * Somewhere there was no room for an id, so somebody has found ids that collide: new hashes are drawn and every id gets
	 * the place they say. At the first refusal, the second, the fourth, the eighth and so on: were hashes to fail for another
	 * reason, each id would otherwise cost a walk over all of them.
	 */
	crowded(): void {
		this.#refusals++;
		if ((this.#refusals & (this.#refusals - 1)) !== 0) return;
		this.hash.reseed();
		this.generation++;
		this.version++;
		this.#size = 0;
		for (const [hour, tables] of this.#hours) {
			const sum = this.hash.hourSum(hour);
			for (const table of [tables.users, tables.sessions]) {
				table.rehash((bytes, start, end) => this.hash.of(sum, bytes, start, end));
				this.#size += table.count;
			}
		}
	}

	/** Forgets everything. */
	clear(): void {
		this.#hours.clear();
		this.#ascending = [];
		this.#size = 0;
		this.#byteLength = 0;
		this.version++;
	}

	#select(hour: number): void {
		this.#last = this.#hours.get(hour);
		this.#lastHour = hour;
		this.#lastVersion = this.version;
	}

	#makeRoom(hour: number, isKnown: boolean): boolean {
		const hoursMax = isKnown ? HOURS_MAX : HOURS_MAX - 1;
		while (this.#size >= this.#idsMax || this.#byteLength >= this.#bytesMax || this.#hours.size > hoursMax) {
			const oldest = this.#ascending[0];
			if (oldest === undefined || oldest >= hour) return false;
			this.#evictOldest(oldest);
		}
		return true;
	}

	#insert(hour: number): StoredHour {
		let low = 0;
		let high = this.#ascending.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#ascending[middle]! < hour) low = middle + 1;
			else high = middle;
		}
		this.#ascending.splice(low, 0, hour);
		const tables = { users: new IdTable(), sessions: new IdTable() };
		this.#hours.set(hour, tables);
		this.version++;
		return tables;
	}

	#evictOldest(hour: number): void {
		const { users, sessions } = this.#hours.get(hour)!;
		this.#size -= users.count + sessions.count;
		this.#byteLength -= users.byteLength + sessions.byteLength;
		this.#hours.delete(hour);
		this.#ascending.shift();
		this.version++;
	}
}

/** Not `hour[kind]`: with two names at one place V8 looks the property up each time. */
function tableOf(hour: StoredHour | undefined, kind: IdKind): IdTable | undefined {
	return kind === "users" ? hour?.users : hour?.sessions;
}
