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
		this.timestampMs = Number(message.timestamp);
		this.value = message.value;
		this.valueEnd = message.value === null ? 0 : message.value.length;
		this.key = message.key;
		this.keyEnd = message.key === null ? 0 : message.key.length;
		this.headers = headersJson(message.headers);
		return true;
	}
}

/**
 * Headers as a JSON object of base64 values (an array where a name stands more than once, null for a null value): jsonb
 * refuses U+0000, so that it cannot hold them as text, and names with one lose it. Null when there are none.
 */
export function headersJson(headers: IHeaders | undefined): Uint8Array | null {
	if (headers === undefined || isEmpty(headers)) return null;
	const encoded = Object.entries(headers).map(([name, value]) => [
		name.replaceAll("\u0000", "\ufffd"),
		Array.isArray(value) ? value.map(base64) : base64(value),
	]);
	return Buffer.from(JSON.stringify(Object.fromEntries(encoded)));
}

function base64(value: Buffer | string | undefined | null): string | null {
	return value === undefined || value === null ? null : Buffer.from(value as Buffer).toString("base64");
}

/** Without an allocation: asked for every record, and nearly always true. */
function isEmpty(headers: IHeaders): boolean {
	for (const _ in headers) return false;
	return true;
}
