/**
 * Which record Postgres refused: the error of a failed COPY names the line in its context (`where`), and line n of a
 * binary COPY is its nth tuple.
 */
import { EVENT_COLUMNS } from "../../workers/copy-layout.ts";
import type { RecordPlace } from "../../workers/messages.ts";
import { RefusedRowError } from "../core-errors.ts";
import { errorCode } from "./errors.ts";

/** Data exceptions, integrity, limits: what a value can cause. Everything else is retried as it is (step 10). */
const REFUSED = /^(22|23|54)...$/;
const PARTITION_FIELD = EVENT_COLUMNS.indexOf("kafka_partition");
const OFFSET_FIELD = EVENT_COLUMNS.indexOf("kafka_offset");

export function isRefusal(error: unknown): boolean {
	const code = errorCode(error);
	// Not of a value: a day attached in mid-COPY, or a default partition that somebody has detached.
	if (code === "23514" && (error as { constraint?: string }).constraint === undefined) return false;
	// A field of a wrong length: 08 looks like a lost connection, and would be retried for ever.
	if (code === "08P01" && /^COPY /.test((error as { where?: string }).where ?? "")) return true;
	return REFUSED.test(code);
}

/** The error of a COPY of `rows` into events as a `RefusedRowError`, if it is one; any other error as it is. */
export function asRefusal(error: unknown, rows: readonly Uint8Array[]): unknown {
	if (!isRefusal(error)) return error;
	const { message, where } = error as { message: string; where?: string };
	const line = /^COPY events, line (\d+)/m.exec(where ?? "")?.[1];
	const place = line === undefined ? null : placeOfTuple(rows, Number(line));
	return new RefusedRowError(message, errorCode(error), place, { cause: error });
}

/** Partition and offset of tuple `line`, counted from 1; null when there are fewer. Tuples never straddle two chunks. */
export function placeOfTuple(rows: readonly Uint8Array[], line: number): RecordPlace | null {
	let at = 0;
	for (const tuple of tuplesOf(rows)) if (++at === line) return placeOf(tuple);
	return null;
}

/** The tuples of all chunks, each as a view. */
export function* tuplesOf(rows: readonly Uint8Array[]): Generator<Uint8Array> {
	for (const chunk of rows) {
		const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
		for (let start = 0; start < chunk.length; ) {
			let at = start + 2;
			for (let field = view.getInt16(start); field > 0; field--) at += 4 + Math.max(0, view.getInt32(at));
			yield chunk.subarray(start, at);
			start = at;
		}
	}
}

function placeOf(tuple: Uint8Array): RecordPlace {
	const view = new DataView(tuple.buffer, tuple.byteOffset, tuple.byteLength);
	let at = 2;
	let partition = -1;
	let offset = -1;
	for (let field = 0; field <= OFFSET_FIELD; field++) {
		if (field === PARTITION_FIELD) partition = view.getInt32(at + 4);
		if (field === OFFSET_FIELD) offset = Number(view.getBigInt64(at + 4));
		at += 4 + Math.max(0, view.getInt32(at));
	}
	return { partition, offset };
}
