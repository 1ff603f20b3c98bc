import type { CandidateColumns } from "../../workers/part.ts";

/** Sessions of a block: the bits of a bigint. */
const BLOCK_SESSIONS = 64;
/** An element of an array of `timestamptz` or `int8`: int32 length and eight bytes. */
const ELEMENT_BYTES = 12;
/** 2^32: what the high half of eight bytes counts in. */
const HIGH = 4_294_967_296;

/** Elements of three Postgres binary arrays of equal length: a row each of `hourly_sessions` (hour, block, bits). */
export interface SessionBlocks {
	readonly count: number;
	/** `timestamptz`. */
	readonly hours: Uint8Array;
	/** `int8`. */
	readonly blocks: Uint8Array;
	/** `int8`. */
	readonly bits: Uint8Array;
}

/** One row being put together; `low` and `high` are the halves of its bits. */
interface Block {
	readonly hourMicros: number;
	readonly block: number;
	low: number;
	high: number;
}

/**
 * Puts the (hour, session) pairs of a set together: sessions whose numbers lie in the same 64 become one row, each a
 * bit of it. No row comes twice; their order is Postgres's business. About 0.05 µs a pair when numbers are neighbours.
 *
 * @param candidates elements of `timestamptz` (whole hours) and of `int8` (0 to 2^53 - 1)
 */
export function sessionBlocks(candidates: readonly CandidateColumns[]): SessionBlocks {
	const hours = new Map<number, Map<number, Block>>();
	let count = 0;
	for (const columns of candidates) {
		const hourBytes = viewOf(columns.hours);
		const idBytes = viewOf(columns.ids);
		let last: Block | undefined;
		for (let i = 0; i < columns.count; i++) {
			// Exact: whole hours in microseconds are multiples of 1024.
			const hourMicros = numberAt(hourBytes, i);
			const id = numberAt(idBytes, i);
			const number = Math.floor(id / BLOCK_SESSIONS);
			if (last === undefined || last.block !== number || last.hourMicros !== hourMicros) {
				const blocks = hours.get(hourMicros) ?? new Map<number, Block>();
				if (blocks.size === 0) hours.set(hourMicros, blocks);
				last = blocks.get(number);
				if (last === undefined) {
					last = { hourMicros, block: number, low: 0, high: 0 };
					blocks.set(number, last);
					count++;
				}
			}
			const bit = id - number * BLOCK_SESSIONS;
			if (bit < 32) last.low |= 1 << bit;
			else last.high |= 1 << (bit - 32);
		}
	}
	return encode(hours, count);
}

function encode(hours: ReadonlyMap<number, ReadonlyMap<number, Block>>, count: number): SessionBlocks {
	const columns = [0, 1, 2].map(() => new DataView(new ArrayBuffer(count * ELEMENT_BYTES)));
	const [hourBytes, blockBytes, bitBytes] = columns as [DataView, DataView, DataView];
	let at = 0;
	for (const blocks of hours.values()) {
		for (const { hourMicros, block, low, high } of blocks.values()) {
			put(hourBytes, at, Math.floor(hourMicros / HIGH), hourMicros % HIGH);
			put(blockBytes, at, Math.floor(block / HIGH), block % HIGH);
			put(bitBytes, at, high, low);
			at += ELEMENT_BYTES;
		}
	}
	const [hoursOut, blocksOut, bitsOut] = columns.map(({ buffer }) => new Uint8Array(buffer));
	return { count, hours: hoursOut!, blocks: blocksOut!, bits: bitsOut! };
}

/** Setters take any number modulo 2^32: a low half of a negative hour comes out as two's complement wants it. */
function put(bytes: DataView, at: number, high: number, low: number): void {
	bytes.setInt32(at, 8);
	bytes.setInt32(at + 4, high);
	bytes.setUint32(at + 8, low);
}

function numberAt(bytes: DataView, index: number): number {
	const at = index * ELEMENT_BYTES + 4;
	return bytes.getInt32(at) * HIGH + bytes.getUint32(at + 4);
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
