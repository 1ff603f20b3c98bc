import type { EachBatchPayload } from "kafkajs";
import type { SourceBatch } from "../ports.ts";
import { BatchCursor } from "./batch-cursor.ts";
import { scannedRecords } from "./batch-scanner.ts";
import { unreadableReason } from "./fetch-patch.ts";

/** What kafkajs hands to `eachBatch`, as the engine takes it; null when there is nothing in it. */
export function sourceBatch({ batch, resolveOffset }: EachBatchPayload): SourceBatch | null {
	const lastOffset = batch.lastOffset();
	const { messages, partition } = batch;
	const fetchedOffset = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
	const unreadable = unreadableReason(batch);
	if (unreadable !== null) {
		const nothing = { nextOffset: fetchedOffset, records: new BatchCursor([]), resolve: () => {} };
		return { partition, fetchedOffset, unreadable, ...nothing };
	}
	const lastMessage = messages[messages.length - 1];
	if (lastMessage === undefined) return null;
	return {
		partition,
		fetchedOffset,
		nextOffset: Number(lastOffset) + 1,
		records: scannedRecords(messages, fetchedOffset) ?? new BatchCursor(messages),
		// kafkajs moves past trailing control records by itself when the last message is resolved.
		resolve: () => resolveOffset(lastMessage.offset),
	};
}
