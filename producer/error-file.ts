/** The error file: one JSON line for every line that was not sent, so that it can be repaired and sent again. */
import { isUtf8 } from "node:buffer";
import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { RefusedLine } from "./replay.ts";

/** Of an overlong line only its beginning is kept: the rest says nothing new. */
const VALUE_BYTES_MAX = 65_536;

/**
 * One line of the error file: where it stood, what is wrong, and the line itself: as text, or as base64 when it is
 * not valid UTF-8 (then `encoding` is `base64`).
 */
export function errorFileLine({ line, reason, pointer, detail, value }: RefusedLine): string {
	const kept = value.subarray(0, VALUE_BYTES_MAX);
	const encoding = isUtf8(kept) ? "utf8" : "base64";
	return `${JSON.stringify({ line, reason, pointer, detail, encoding, value: kept.toString(encoding) })}\n`;
}

/** Appends; the file and its folder are made when the first line comes. */
export function createErrorFile(path: string): (lines: readonly RefusedLine[]) => Promise<void> {
	let isReady = false;
	return async (lines) => {
		if (!isReady) await mkdir(dirname(path), { recursive: true });
		isReady = true;
		await appendFile(path, lines.map(errorFileLine).join(""));
	};
}
