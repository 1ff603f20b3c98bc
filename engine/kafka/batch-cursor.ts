import type { EachBatchPayload, IHeaders, KafkaMessage } from "kafkajs";
import type { RecordCursor } from "../ports.ts";

/** kafkajs's array of message objects, behind the cursor that the router reads from. */
export class BatchCursor implements RecordCursor {
	readonly #messages: readonly KafkaMessage[];
	#next = 0;
	offset = -1;
	timestampMs = -1;
	value: Uint8Array | null = null;
	valueStart = 0;
	valueEnd = 0;
	key: Uint8Array | null = null;
	keyStart = 0;
	keyEnd = 0;
	headers: Uint8Array | null = null;

	constructor(messages: EachBatchPayload["batch"]["messages"]) {
		this.#messages = messages;
	}

	next(): boolean {
		const message = this.#messages[this.#next];
		if (message === undefined) return false;
		this.#next++;
		this.offset = Number(message.offset);
		this.timestampMs = safeInteger(Number(message.timestamp));
		this.value = message.value;
		this.valueEnd = message.value === null ? 0 : message.value.length;
		this.key = message.key;
		this.keyEnd = message.key === null ? 0 : message.key.length;
		this.headers = headersJson(message.headers);
		return true;
	}
}

/**
 * A producer may write any int64 as its timestamp. As a double the largest is 2^63, which is no `bigint` of Postgres any
 * more: the record would stop its partition. Out there is no calendar anyway.
 */
function safeInteger(timestampMs: number): number {
	return Math.max(Number.MIN_SAFE_INTEGER, Math.min(timestampMs, Number.MAX_SAFE_INTEGER));
}

/**
 * Headers as a JSON object of base64 values (an array where a name stands more than once, null for a null value): jsonb
 * refuses U+0000, so that it cannot hold them as text, and names with one lose it. Null when there are none.
 */
export function headersJson(headers: IHeaders | undefined): Uint8Array | null {
	if (headers === undefined || isEmpty(headers)) return null;
	const encoded = new Map<string, EncodedHeader>();
	for (const [name, value] of Object.entries(headers)) {
		const stored = name.replaceAll("\u0000", "\ufffd");
		const before = encoded.get(stored);
		encoded.set(stored, before === undefined ? encode(value) : [before, encode(value)].flat());
	}
	// `fromEntries` defines what it is given: a header named `__proto__` is a name like any other.
	return Buffer.from(JSON.stringify(Object.fromEntries(encoded)));
}

type HeaderValue = Buffer | string | null | undefined;
type EncodedHeader = string | null | (string | null)[];

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
