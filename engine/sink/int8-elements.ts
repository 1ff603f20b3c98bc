/** Array elements of `int8`, and of `timestamptz` in µs since 2000, as numbers: no bigint for each. */

/** Int32 length and eight bytes. */
export const INT8_ELEMENT_BYTES = 12;
/** 2^32: what the high half of eight bytes counts in. */
const HIGH = 4_294_967_296;

/** An array element of `int8` below 2^53, or of `timestamptz` that is a whole hour: exact either way. */
export function int8At(elements: DataView, index: number): number {
	const at = index * INT8_ELEMENT_BYTES + 4;
	return elements.getInt32(at) * HIGH + elements.getUint32(at + 4);
}

/** Array elements of `int8`, each -2^53 to 2^53 - 1. */
export function int8Elements(values: Float64Array): Uint8Array {
	const elements = new DataView(new ArrayBuffer(values.length * INT8_ELEMENT_BYTES));
	for (let i = 0; i < values.length; i++) putInt8(elements, i, values[i]!);
	return new Uint8Array(elements.buffer);
}

/** Writes one. A setter takes any number modulo 2^32: the low half of a negative hour comes out as two's complement wants it. */
export function putInt8(elements: DataView, index: number, value: number): void {
	const at = index * INT8_ELEMENT_BYTES;
	elements.setInt32(at, 8);
	elements.setInt32(at + 4, Math.floor(value / HIGH));
	elements.setUint32(at + 8, value % HIGH);
}
