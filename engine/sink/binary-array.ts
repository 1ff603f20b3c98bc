/** Type numbers of pg_type.dat; they never change. */
export const OID = { int8: 20, text: 25, timestamptz: 1184, varbit: 1562 } as const;

const ARRAY_HEADER_BYTES = 20;
/** The int32 in front of each element's bytes. */
export const ELEMENT_LENGTH_BYTES = 4;

/**
 * A Postgres binary array (array_recv): dimensions 1, no nulls, element type, length, lower bound 1, then the elements,
 * each an int32 length and its bytes. node-postgres sends a Buffer parameter in binary format, so that a set's ids go
 * from the actors to Postgres without being turned into JavaScript strings on the main thread.
 */
export function binaryArray(elementOid: number, count: number, chunks: readonly Uint8Array[]): Buffer {
	const header = Buffer.alloc(ARRAY_HEADER_BYTES);
	if (count === 0) {
		// An empty array has no dimensions.
		header.writeInt32BE(elementOid, 8);
		return header.subarray(0, 12);
	}
	header.writeInt32BE(1, 0);
	header.writeInt32BE(elementOid, 8);
	header.writeInt32BE(count, 12);
	header.writeInt32BE(1, 16);
	return Buffer.concat([header, ...chunks]);
}
