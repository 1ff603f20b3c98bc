/** Pairs of hour and id for tests of the tables behind distinct users: short to write, and read back from the columns. */
import { createRandom } from "../../producer/random.ts";
import { IdHash } from "../../workers/id-hash.ts";
import type { Members } from "../../workers/members.ts";
import type { CandidateColumns } from "../../workers/part.ts";
import { int8, readElements, text, timestamptz } from "./copy-reader.ts";

const MICROS_PER_HOUR = 3_600_000_000n;
const padding = Buffer.from("<padding>");

/** Adds a user as an event does: the id is a range of something larger. */
export function addUser(members: Members, hour: number, id: string): void {
	const bytes = Buffer.concat([padding, Buffer.from(id), padding]);
	members.addUser(hour, bytes, padding.length, bytes.length - padding.length);
}

function pairsOf(columns: CandidateColumns, read: (id: Buffer | null) => unknown): string[] {
	const hours = readElements(columns.hours);
	const ids = readElements(columns.ids);
	if (hours.length !== columns.count || ids.length !== columns.count) {
		throw new Error(`${columns.count} pairs, but ${hours.length} hours and ${ids.length} ids`);
	}
	return hours.map((hour, i) => `${timestamptz(hour) / MICROS_PER_HOUR}/${read(ids[i]!)}`);
}

/** Users as `hour/id`, in the order of the columns. */
export const userPairs = (members: Members): string[] => pairsOf(members.userColumns(), text);

/** Sessions as `hour/id`, in the order of the columns. */
export const sessionPairs = (members: Members): string[] => pairsOf(members.sessionColumns(), int8);

/** A hash that is the sum of the bytes, so that anagrams collide, until it has been drawn anew so often. */
export function weakHash(weakDraws: number): IdHash {
	const random = createRandom(1);
	let fills = 0;
	return new IdHash((keys) => {
		// Two arrays a draw: of the places and of the hour.
		const isWeak = fills++ < 2 * weakDraws;
		for (let i = 0; i < keys.length; i++) keys[i] = isWeak ? 1 : random.below(2 ** 32);
	});
}

/** `count` ids of the same letters. */
export function anagrams(count: number): string[] {
	return Array.from({ length: count }, (_, i) =>
		i.toString(2).padStart(16, "0").replaceAll("1", "ab").replaceAll("0", "ba"),
	);
}
