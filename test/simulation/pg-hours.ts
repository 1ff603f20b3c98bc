/** Members and hours: the tables that engines share, and so the locks they may meet in. */
import { shuffle } from "../../producer/random.ts";
import { CENTS_CARRY } from "../../workers/part.ts";
import { int8, readElements, text as textOf, timestamptz } from "../support/copy-reader.ts";
import { freePlace } from "./pg-places.ts";
import { type Backend, type Server, ServerError, type Statement } from "./pg-session.ts";
import { HOUR_COLUMNS, noTotals, type Staged } from "./pg-tables.ts";

const MICROS_PER_HOUR = 3_600_000_000n;
const ARRAY_HEADER_BYTES = 20;

/** A table of members: a row holds the bits of so many. */
interface MemberTable {
	readonly name: "users" | "sessions";
	/** What the statement must say for a row to keep its bits, and to count only those it did not have. */
	readonly keeps: string;
	readonly counts: string;
	/** Numbers of the bits that are set, of one array element, from 0 up. */
	readonly bitsOf: (element: Buffer | null) => number[];
	readonly membersPerRow: number;
}

const USERS: MemberTable = {
	name: "users",
	keeps: "bits = t.bits | excluded.bits",
	counts: "added = bit_count(excluded.bits & ~t.bits)",
	bitsOf: (element) => setBits(1_024, (bit) => (element![4 + (bit >> 3)]! & (128 >> (bit & 7))) !== 0),
	membersPerRow: 1_024,
};
const SESSIONS: MemberTable = {
	name: "sessions",
	keeps: "bits = t.bits | excluded.bits",
	counts: "added = bit_count((excluded.bits & ~t.bits)",
	bitsOf: (element) => setBits(64, (bit) => ((int8(element) >> BigInt(bit)) & 1n) === 1n),
	membersPerRow: 64,
};

/** Inserts members and counts by hour those that were not there. A row that is there is locked, whatever becomes of it. */
export async function insertMembers(
	server: Server,
	backend: Backend,
	staged: Staged,
	{ text, values }: Statement,
): Promise<Record<string, unknown>[]> {
	const table = text.includes("INSERT INTO hourly_users") ? USERS : SESSIONS;
	const { name, bitsOf, membersPerRow } = table;
	const blocks = elementsOf(values[1]).map((block) => Number(int8(block)));
	const bits = elementsOf(values[2]).map(bitsOf);
	const rows = hoursOf(values[0]).map((hour, i) => ({ hour, block: blocks[i]!, bits: bits[i]! }));
	inOrder(server, text, rows, (a, b) => a.hour - b.hour || a.block - b.block);
	if (!text.includes(table.keeps)) server.world.problem(`I3: the bits of a row of ${name} are not kept`);
	const added = new Map<number, number>();
	const seen = new Set<string>();
	for (const { hour, block, bits } of rows) {
		const key = `${hour}/${block}`;
		if (seen.has(key)) throw new ServerError("21000", `ON CONFLICT DO UPDATE meets ${key} a second time`);
		seen.add(key);
		await server.lock(backend, `${name}/${key}`);
		for (const bit of bits) {
			const number = block * membersPerRow + bit;
			const id = name === "users" ? userOf(server, staged, number) : number;
			const member = `${hour}/${id}`;
			if (server.tables[name].has(member) || staged[name].has(member)) {
				if (!text.includes(table.counts)) server.world.problem(`I3: one of ${name}, ${member}, counts twice`);
				continue;
			}
			staged[name].add(member);
			added.set(hour, (added.get(hour) ?? 0) + 1);
		}
	}
	return [...added].map(([hour, count]) => ({ hour, count }));
}

/**
 * Gives numbers to users that have none; how many had none. What the engine expects changes nothing: of a first try that
 * meets a known user, nothing is left.
 */
export async function addUserNumbers(
	server: Server,
	backend: Backend,
	staged: Staged,
	{ values }: Statement,
): Promise<number> {
	const numbers = elementsOf(values[1]).map((number) => Number(int8(number)));
	const users = elementsOf(values[0]).map((id, i) => ({ id: textOf(id), number: numbers[i]! }));
	const inBytes = (id: string) => Buffer.from(id);
	users.sort((a, b) => Buffer.compare(inBytes(a.id), inBytes(b.id)));
	let made = 0;
	for (const { id, number } of users) {
		const isThere = () => numberOf(server, staged, id) !== undefined;
		if (!isThere()) await server.lock(backend, `user/${id}`);
		if (isThere()) continue;
		const others = [...server.tables.userNumbers, ...staged.userNumbers];
		if (others.some(([, taken]) => taken === number))
			server.world.problem(`I3: two users have number ${number}`);
		staged.userNumbers.set(id, number);
		made++;
	}
	return made;
}

/** The numbers of users as `int8send` of each, in the order asked; those who have none are left out. */
export function userNumbers(server: Server, staged: Staged, { values }: Statement): Buffer {
	const numbers = elementsOf(values[0]).map((id) => numberOf(server, staged, textOf(id)));
	return Buffer.concat(
		numbers.flatMap((number) => {
			if (number === undefined) return [];
			const bytes = Buffer.alloc(8);
			bytes.writeBigInt64BE(BigInt(number));
			return [bytes];
		}),
	);
}

function numberOf(server: Server, staged: Staged, user: string): number | undefined {
	return staged.userNumbers.get(user) ?? server.tables.userNumbers.get(user);
}

function userOf(server: Server, staged: Staged, number: number): string {
	const all = [...server.tables.userNumbers, ...staged.userNumbers];
	const user = all.find(([, of]) => of === number)?.[0];
	if (user === undefined) server.world.problem(`I3: number ${number} is counted, and is nobody's`);
	return user ?? `nobody ${number}`;
}

function setBits(count: number, isSet: (bit: number) => boolean): number[] {
	return Array.from({ length: count }, (_, bit) => bit).filter(isSet);
}

/** Without an order the plan decides. */
function inOrder<T>(server: Server, text: string, rows: T[], order: (a: T, b: T) => number): void {
	if (text.includes("ORDER BY 1, 2")) rows.sort(order);
	else shuffle(rows, server.world.random);
}

function hoursOf(value: unknown): number[] {
	return elementsOf(value).map((hour) => Number(timestamptz(hour) / MICROS_PER_HOUR));
}

function elementsOf(value: unknown): (Buffer | null)[] {
	const array = value as Buffer;
	return array.length < ARRAY_HEADER_BYTES ? [] : readElements(array.subarray(ARRAY_HEADER_BYTES));
}

/** What `add_to_hours` is given, by the column of `hourly_totals` that it raises: a column, or a high and a low half. */
const HOUR_SOURCES: Readonly<Record<(typeof HOUR_COLUMNS)[number], readonly number[]>> = {
	revenue: [1, 2],
	ticket_count: [3],
	payouts: [4, 5],
	payout_events: [6],
	logins: [7],
	events: [8],
	active_users: [9],
	new_sessions: [10],
};

/** Adds deltas to their hours, found by place or by key; money must come as whole cents (I10). Gives the new versions' places. */
export async function addToHours(
	server: Server,
	backend: Backend,
	staged: Staged,
	{ values }: Statement,
): Promise<string[]> {
	const deltas = values.slice(0, 11).map((value) => elementsOf(value).map((one) => Number(int8(one))));
	const places = values[11] as readonly string[];
	const made: string[] = [];
	for (const [i, hour] of deltas[0]!.entries()) {
		// An hour is compared with what lies at its place, so a wrong one only leads to the key: to the same lock.
		if (hourAt(server, staged, places[i]!) === hour) server.world.note("hour found by its place");
		await server.lock(backend, `hour:${hour}`);
		const totals = staged.hours.get(hour) ?? noTotals();
		for (const column of HOUR_COLUMNS) {
			const [high, low] = HOUR_SOURCES[column].map((at) => deltas[at]![i]!);
			const value = low === undefined ? high! : high! * CENTS_CARRY + low;
			if (!/^\d+$/.test(String(value))) server.world.problem(`I10: ${column} is raised by ${String(value)}`);
			totals[column] += value;
		}
		staged.hours.set(hour, totals);
		const place = freeHourPlace(server, staged);
		staged.hourPlaces.set(hour, place);
		made.push(place);
	}
	return made;
}

/** The hour whose newest version, as this transaction sees it, lies there. */
function hourAt(server: Server, staged: Staged, place: string): number | undefined {
	const places = new Map([...server.tables.hourPlaces, ...staged.hourPlaces]);
	return [...places].find(([, at]) => at === place)?.[0];
}

function freeHourPlace(server: Server, staged: Staged): string {
	return freePlace([...server.tables.hourPlaces.values(), ...staged.hourPlaces.values()]);
}
