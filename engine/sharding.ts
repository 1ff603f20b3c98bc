import type { RecordCursor } from "./ports.ts";

/**
 * Which actor gets a record. Balance only: nothing may rely on one user meeting one shard, because keys may be absent,
 * wrong, or spelt in two ways (design decision "shards are balance only").
 */
export function shardOf(records: RecordCursor, shards: number): number {
	const { key } = records;
	if (key !== null && records.keyEnd > records.keyStart)
		return hashOf(key, records.keyStart, records.keyEnd) % shards;
	const { value } = records;
	if (value === null) return 0;
	const start = userIdStart(value, records.valueStart, records.valueEnd);
	if (start < 0) return 0;
	let end = start;
	while (end < records.valueEnd && value[end] !== QUOTE) end++;
	return hashOf(value, start, end) % shards;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const NAME = Buffer.from('"user_id"');
/** Without a key the id is looked for in this many bytes: further in, balance is not worth the scan. */
const SCAN_BYTES_MAX = 1024;

/** Position of the first byte of the user id's text, or -1. A hint found by bytes, not by parsing. */
function userIdStart(value: Uint8Array, start: number, end: number): number {
	const stop = Math.min(end, start + SCAN_BYTES_MAX);
	const found = Buffer.from(value.buffer, value.byteOffset + start, stop - start).indexOf(NAME);
	if (found < 0) return -1;
	let at = start + found + NAME.length;
	while (at < stop && (value[at]! <= 0x20 || value[at] === COLON)) at++;
	// Without the bound a value that was cut off here would be judged by its neighbour's bytes.
	return at < stop && value[at] === QUOTE ? at + 1 : -1;
}

/** FNV-1a over a byte range, 32 bits, with the avalanche step of MurmurHash3 so that low bits are usable for any shard count. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
	let hash = 0x811c9dc5;
	for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
	hash ^= hash >>> 16;
	hash = Math.imul(hash, 0x85ebca6b);
	hash ^= hash >>> 13;
	return hash >>> 0;
}
