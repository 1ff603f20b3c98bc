/**
 * Which records belong to aborted transactions, as the Java consumer decides it. kafkajs 2.2.4 takes the broker's list
 * to be in the order of the first offsets (it is in the order of the aborts), lets one transaction begin per record, and
 * takes any key of four zero bytes for the end of one: where transactions overlap in a partition, records that were
 * aborted come through as committed.
 */
import type { DecodedRecord } from "./record-batches.ts";

export interface AbortedTransaction {
	readonly producerId: string;
	readonly firstOffset: string;
}

/** The key of a control record: int16 version, int16 type; type 0 is an abort. */
const ABORT_TYPE = 0;

/**
 * Marks aborted records as control records, which kafkajs hands to nobody and moves its position over.
 * @param records in the order of their offsets
 */
export function hideAborted(records: readonly DecodedRecord[], aborted: readonly AbortedTransaction[]): void {
	const coming = aborted
		.map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
		.sort((a, b) => (a.firstOffset < b.firstOffset ? 1 : -1));
	const open = new Set<string>();
	for (const record of records) {
		for (;;) {
			const next = coming.at(-1);
			if (next === undefined || next.firstOffset > BigInt(record.offset)) break;
			open.add(next.producerId);
			coming.pop();
		}
		const { batchContext } = record;
		if (batchContext === undefined || !open.has(batchContext.producerId)) continue;
		if (record.isControlRecord) {
			if (isAbort(record.key ?? null)) open.delete(batchContext.producerId);
		} else if (batchContext.inTransaction) {
			record.isControlRecord = true;
		}
	}
}

function isAbort(key: Buffer | null): boolean {
	return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT_TYPE;
}
