/**
 * Headers as a JSON object of base64 values (an array where a name stands more than once, null for a null value): jsonb
 * refuses U+0000, so that it cannot hold them as text, and names with one lose it.
 */
import type { IHeaders } from "kafkajs";

type EncodedHeader = string | null | (string | null)[];

/** Collects headers one by one; a `Map`, because a header may be named as a property of every object. */
export class HeadersJson {
	readonly #encoded = new Map<string, EncodedHeader>();

	add(name: string, value: EncodedHeader): void {
		const stored = name.replaceAll("\u0000", "\ufffd");
		const before = this.#encoded.get(stored);
		this.#encoded.set(stored, before === undefined ? value : [before, value].flat());
	}

	/** Null when there are none. */
	bytes(): Uint8Array | null {
		if (this.#encoded.size === 0) return null;
		// `fromEntries` defines what it is given: a header named `__proto__` is a name like any other.
		return Buffer.from(JSON.stringify(Object.fromEntries(this.#encoded)));
	}
}

/** Of kafkajs's object of headers. Null when there are none. */
export function headersJson(headers: IHeaders | undefined): Uint8Array | null {
	if (headers === undefined || isEmpty(headers)) return null;
	const json = new HeadersJson();
	for (const [name, value] of Object.entries(headers)) json.add(name, encode(value));
	return json.bytes();
}

type HeaderValue = Buffer | string | null | undefined;

/**
 * kafkajs 2.2.4 collects headers in a plain object and takes what that inherits for an earlier value: a header named
 * `constructor` arrives as `[Object, value]`. What is no value was never sent.
 */
function encode(value: HeaderValue | readonly HeaderValue[]): EncodedHeader {
	if (!Array.isArray(value)) return base64(value as HeaderValue);
	const sent = value.filter((one) => typeof one === "string" || one instanceof Uint8Array || one === null);
	return sent.length === 1 && value.length > 1 ? base64(sent[0]) : sent.map(base64);
}

function base64(value: HeaderValue): string | null {
	return value === undefined || value === null ? null : Buffer.from(value as Buffer).toString("base64");
}

/** Without an allocation: asked for every record, and nearly always true. */
function isEmpty(headers: IHeaders): boolean {
	for (const _ in headers) return false;
	return true;
}
