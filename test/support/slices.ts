/** Slices for tests: records as plain objects in, records as plain objects out. */
import { type PackedSlice, SliceReader, SliceWriter } from "../../workers/slice.ts";

export interface TestRecord {
	readonly partition: number;
	readonly epoch: number;
	readonly offset: number;
	readonly timestampMs: number;
	readonly value: Uint8Array | null;
	readonly key: Uint8Array | null;
	readonly headers: Uint8Array | null;
}

const utf8 = new TextEncoder();

/** A record with nothing of interest in it but what is given. */
export function record(fields: Partial<Omit<TestRecord, "value">> & { value?: unknown }): TestRecord {
	const { value = null, ...rest } = fields;
	const bytes = typeof value === "string" ? utf8.encode(value) : (value as Uint8Array | null);
	return {
		partition: 0,
		epoch: 1,
		offset: 0,
		timestampMs: 1_700_000_000_000,
		key: null,
		headers: null,
		...rest,
		value: bytes,
	};
}

/** Appends as the router does: value and key are ranges of a larger buffer. */
export function append(writer: SliceWriter, { partition, epoch, offset, ...rest }: TestRecord): void {
	const { timestampMs, value, key, headers } = rest;
	const padding = Buffer.from("<padding>");
	const fetched = Buffer.concat([padding, value ?? padding, key ?? padding, padding]);
	const valueEnd = padding.length + (value ?? padding).length;
	writer.append(
		partition,
		epoch,
		offset,
		timestampMs,
		value === null ? null : fetched,
		padding.length,
		valueEnd,
		key === null ? null : fetched,
		valueEnd,
		valueEnd + (key ?? padding).length,
		headers,
	);
}

/** One slice of these records, however large. */
export function pack(records: readonly TestRecord[], bytesMax = 1024): PackedSlice {
	const writer = new SliceWriter(bytesMax);
	for (const each of records) append(writer, each);
	return writer.seal();
}

/** The records of a slice, bytes copied. */
export function unpack(slice: PackedSlice): TestRecord[] {
	const reader = new SliceReader(slice);
	const range = (bytes: Uint8Array, start: number, end: number) =>
		end < 0 ? null : new Uint8Array(bytes.slice(start, end));
	const records: TestRecord[] = [];
	for (const { partition, epoch, count } of slice.runs) {
		for (let i = 0; i < count; i++) {
			if (!reader.next()) throw new Error("the runs are longer than the slice");
			records.push({
				partition,
				epoch,
				offset: reader.offset,
				timestampMs: reader.timestampMs,
				value: range(reader.values, reader.valueStart, reader.valueEnd),
				key: range(reader.meta, reader.keyStart, reader.keyEnd),
				headers: range(reader.meta, reader.headersStart, reader.headersEnd),
			});
		}
	}
	if (reader.next()) throw new Error("the runs are shorter than the slice");
	return records;
}
