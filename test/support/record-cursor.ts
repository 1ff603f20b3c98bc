/** Batches for tests: a cursor over records that lie somewhere within one larger buffer, as after a real fetch. */
import type { RecordCursor, SourceBatch } from "../../engine/ports.ts";

export interface CursorRecord {
	readonly offset: number;
	readonly timestampMs?: number;
	readonly value?: string | Uint8Array | null;
	readonly key?: string | Uint8Array | null;
	readonly headers?: Uint8Array | null;
}

export const DEFAULT_TIMESTAMP_MS = 1_700_000_000_000;

const bytesOf = (text: string | Uint8Array): Uint8Array =>
	typeof text === "string" ? Buffer.from(text) : text;

/** What stands between two fields: whoever reads past the end of one finds a quote and another user. */
const PADDING = Buffer.from('"user_id":"padding"');

export class ArrayCursor implements RecordCursor {
	offset = -1;
	timestampMs = -1;
	value: Uint8Array | null = null;
	valueStart = 0;
	valueEnd = 0;
	key: Uint8Array | null = null;
	keyStart = 0;
	keyEnd = 0;
	headers: Uint8Array | null = null;
	readonly #records: readonly CursorRecord[];
	#next = 0;

	constructor(records: readonly CursorRecord[]) {
		this.#records = records;
	}

	next(): boolean {
		const record = this.#records[this.#next];
		if (record === undefined) return false;
		this.#next++;
		this.offset = record.offset;
		this.timestampMs = record.timestampMs ?? DEFAULT_TIMESTAMP_MS;
		const value = record.value === undefined ? `value ${record.offset}` : record.value;
		const key = record.key === undefined ? `key ${record.offset}` : record.key;
		const keyBytes = key === null ? Buffer.alloc(0) : bytesOf(key);
		const valueBytes = value === null ? Buffer.alloc(0) : bytesOf(value);
		const fetched = Buffer.concat([PADDING, keyBytes, PADDING, valueBytes, PADDING]);
		this.key = key === null ? null : fetched;
		this.keyStart = key === null ? 0 : PADDING.length;
		this.keyEnd = this.keyStart + keyBytes.length;
		this.value = value === null ? null : fetched;
		this.valueStart = value === null ? 0 : 2 * PADDING.length + keyBytes.length;
		this.valueEnd = this.valueStart + valueBytes.length;
		this.headers = record.headers ?? null;
		return true;
	}
}

/** A batch as the source delivers it; `resolved` counts the calls. */
export interface TestBatch extends SourceBatch {
	readonly resolved: number;
}

/** `nextOffset` is one past the last record unless told. */
export function batchOf(
	partition: number,
	fetchedOffset: number,
	records: readonly CursorRecord[],
	nextOffset = (records.at(-1)?.offset ?? fetchedOffset - 1) + 1,
): TestBatch {
	let resolved = 0;
	return {
		partition,
		fetchedOffset,
		nextOffset,
		records: new ArrayCursor(records),
		resolve: () => {
			resolved++;
		},
		get resolved() {
			return resolved;
		},
	};
}

/** Records `[from, to)`, one per offset. */
export function recordsFrom(from: number, to: number): CursorRecord[] {
	return Array.from({ length: to - from }, (_, i) => ({ offset: from + i }));
}
