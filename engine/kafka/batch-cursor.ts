import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import type { RecordCursor } from "../ports.ts";
import { headersJson } from "./headers-json.ts";

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
export function safeInteger(timestampMs: number): number {
	return Math.max(Number.MIN_SAFE_INTEGER, Math.min(timestampMs, Number.MAX_SAFE_INTEGER));
}
