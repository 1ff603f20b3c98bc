/**
 * The hash behind the tables of ids: secret and drawn anew in each process, since ids come from outside.
 *
 * It is multilinear (Lemire and Kaser, "Strongly universal string hashing is fast", 2014): each byte times the secret
 * number of its place, added up modulo 2^32. Whatever two ids somebody chooses, the upper 25 bits of their sums are
 * equal with a chance of 2^-25, so nobody can prepare ids that collide without reading our memory. The multiplications
 * do not wait for each other; FNV and its like are not faster here, and have collisions that hold for every seed.
 */
import { randomFillSync } from "node:crypto";
import { USER_ID_CODE_POINTS_MAX } from "../schema/limits.ts";

const UTF8_BYTES_PER_CODE_POINT_MAX = 4;

/** Of an id, so that every byte of the longest has a number of its own: 4 KiB. */
const PLACES = USER_ID_CODE_POINTS_MAX * UTF8_BYTES_PER_CODE_POINT_MAX;

/** The hour takes part as four bytes of its own. */
const HOUR_BYTES = 4;

/** Odd, from Wellons' hash prospector: with the shifts around it, it carries the good upper bits into the lower ones. */
const MIX = 0x7feb352d;

/** Fills with secret numbers; tests give known ones. */
export type FillRandom = (keys: Int32Array<ArrayBuffer>) => unknown;

export class IdHash {
	readonly #fill: FillRandom;
	readonly #keys: Int32Array<ArrayBuffer> = new Int32Array(PLACES);
	readonly #hourKeys: Int32Array<ArrayBuffer> = new Int32Array(HOUR_BYTES);

	constructor(fill: FillRandom = randomFillSync) {
		this.#fill = fill;
		this.reseed();
	}

	/** Draws new numbers: every hash taken before is worthless. */
	reseed(): void {
		this.#fill(this.#keys);
		this.#fill(this.#hourKeys);
	}

	/** The share of an hour (whole hours since 1970, any int32) in the sum of each of its ids. */
	hourSum(hour: number): number {
		const [k0, k1, k2, k3] = this.#hourKeys as unknown as [number, number, number, number];
		const low = Math.imul(k0, hour & 255) + Math.imul(k1, (hour >>> 8) & 255);
		return (low + Math.imul(k2, (hour >>> 16) & 255) + Math.imul(k3, hour >>> 24)) | 0;
	}

	/** The int32 hash of the id in `[start, end)` of `bytes`, at most `PLACES` bytes of it. */
	of(hourSum: number, bytes: Uint8Array, start: number, end: number): number {
		const keys = this.#keys;
		let sum = hourSum;
		for (let at = start, place = 0; at < end; at++, place++) {
			sum = (sum + Math.imul(keys[place]!, bytes[at]!)) | 0;
		}
		const mixed = Math.imul(sum ^ (sum >>> 16), MIX);
		return mixed ^ (mixed >>> 15);
	}
}

/** Whether `length` bytes of `a` from `aStart` and of `b` from `bStart` are the same. */
export function sameBytes(
	a: Uint8Array,
	aStart: number,
	b: Uint8Array,
	bStart: number,
	length: number,
): boolean {
	for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
	return true;
}
