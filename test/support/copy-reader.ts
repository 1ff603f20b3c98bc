/**
 * Reads COPY binary tuples and binary array elements back, by the format's description and with BigInt: it shares
 * nothing with the encoders it judges.
 */

const MICROS_2000 = 946_684_800_000_000n;

/** Whole tuples of a chunk, each a list of raw fields; null is NULL. Throws on a tuple that straddles the end. */
export function readTuples(chunks: readonly Uint8Array[]): (Buffer | null)[][] {
	return chunks.flatMap((chunk) => {
		const bytes = Buffer.from(chunk);
		const tuples: (Buffer | null)[][] = [];
		let at = 0;
		while (at < bytes.length) {
			const fields: (Buffer | null)[] = [];
			const fieldCount = bytes.readInt16BE(at);
			at += 2;
			for (let i = 0; i < fieldCount; i++) {
				const [field, next] = readField(bytes, at);
				fields.push(field);
				at = next;
			}
			tuples.push(fields);
		}
		return tuples;
	});
}

/** Elements of a binary array, without its header. */
export function readElements(bytes: Uint8Array): (Buffer | null)[] {
	const copy = Buffer.from(bytes);
	const elements: (Buffer | null)[] = [];
	let at = 0;
	while (at < copy.length) {
		const [element, next] = readField(copy, at);
		elements.push(element);
		at = next;
	}
	return elements;
}

function readField(bytes: Buffer, at: number): [Buffer | null, number] {
	const length = bytes.readInt32BE(at);
	if (length === -1) return [null, at + 4];
	if (length < 0 || at + 4 + length > bytes.length) throw new Error(`a field of ${length} bytes at ${at}`);
	return [bytes.subarray(at + 4, at + 4 + length), at + 4 + length];
}

const sized = (field: Buffer | null, size: number): Buffer => {
	if (field?.length !== size) throw new Error(`a field of ${field?.length} bytes, not ${size}`);
	return field;
};

export const int4 = (field: Buffer | null): number => sized(field, 4).readInt32BE();
export const int8 = (field: Buffer | null): bigint => sized(field, 8).readBigInt64BE();

/** µs since 1970. */
export const timestamptz = (field: Buffer | null): bigint => int8(field) + MICROS_2000;

/** UTF-8, strictly. */
export const text = (field: Buffer | null): string => {
	if (field === null) throw new Error("NULL is not a text");
	return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(field);
};

/** Value times 10^dscale, and the dscale. */
export function numeric(field: Buffer | null): { unscaled: bigint; scale: number } {
	if (field === null) throw new Error("NULL is not a numeric");
	const [digitCount, weight, sign, scale] = [0, 2, 4, 6].map((at) => field.readInt16BE(at)) as [
		number,
		number,
		number,
		number,
	];
	if (digitCount === 0 && weight !== 0) throw new Error(`zero with weight ${weight}`);
	if (sign !== 0) throw new Error(`sign ${sign}`);
	sized(field, 8 + 2 * digitCount);
	// The value is the sum of digit * 10000^(weight - i); it is kept times 10000^1, enough for two decimals.
	let times10k = 0n;
	for (let i = 0; i < digitCount; i++) {
		const digit = field.readInt16BE(8 + 2 * i);
		if (digit < 0 || digit > 9999) throw new Error(`digit ${digit}`);
		if ((i === 0 || i === digitCount - 1) && digit === 0) throw new Error("a zero at an end");
		times10k += BigInt(digit) * 10_000n ** BigInt(weight - i + 1);
	}
	const unscaled = (times10k * 10n ** BigInt(scale)) / 10_000n;
	if (unscaled * 10_000n !== times10k * 10n ** BigInt(scale)) throw new Error("digits below the scale");
	return { unscaled, scale };
}
