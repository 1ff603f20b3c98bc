/**
 * The bytes of one value to parsed JSON: the way of every value that the scanner (event-scanner.ts) does not take.
 */
import { isAscii, isUtf8 } from "node:buffer";

/** Longest error detail kept, in UTF-16 units: V8 quotes the message in it, and user data is not for logs. */
const DETAIL_UNITS_MAX = 100;

/** Takes the place of a value that is not JSON. */
export class DecodeFault {
	readonly reason: "utf8" | "json";
	readonly detail: string;

	constructor(reason: "utf8" | "json", detail: string) {
		this.reason = reason;
		this.detail = detail;
	}
}

/** `text` shortened, without what Postgres cannot store: U+0000 and lone surrogates. */
export function safeDetail(text: string): string {
	return text.slice(0, DETAIL_UNITS_MAX).replace(/[\0\p{Surrogate}]/gu, "\ufffd");
}

/** Decodes the values of one slice. */
export class Decoder {
	#values: Buffer<ArrayBuffer> = Buffer.alloc(0);
	/** Null until a value of the slice has to be decoded; most slices have none. */
	#allAscii: boolean | null = null;

	/** Takes the values of a slice. */
	open(values: Uint8Array<ArrayBuffer>): void {
		this.#values = Buffer.from(values.buffer, values.byteOffset, values.length);
		this.#allAscii = null;
	}

	/**
	 * The value in `[start, end)`: parsed JSON or a `DecodeFault`. Never throws, whatever the bytes. A byte order mark
	 * is refused, by JSON itself.
	 */
	decode(start: number, end: number): unknown {
		const values = this.#values;
		// Looking at the whole slice costs as much as looking at a handful of its values.
		this.#allAscii ??= isAscii(values);
		// ASCII is copied instead of decoded, and JSON.parse is faster on the one-byte string it gives.
		if (this.#allAscii) return parse(values.toString("latin1", start, end));
		if (!isUtf8(values.subarray(start, end))) return new DecodeFault("utf8", "the bytes are not valid UTF-8");
		return parse(values.toString("utf8", start, end));
	}
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		return new DecodeFault("json", safeDetail(error instanceof Error ? error.message : String(error)));
	}
}
