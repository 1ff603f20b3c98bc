/** Kafka's newer way to write messages (KIP-482), which kafkajs 2.2.4 does not know: short lengths, and room for tags. */

/** An absent array, string or byte sequence. */
const NULL_LENGTH = 0;
const NO_TAGS = Buffer.from([0]);
const UUID_BYTES = 16;

/** Builds a message field by field. */
export class FlexibleWriter {
	readonly #parts: Buffer[] = [];

	int8(value: number): this {
		this.#parts.push(Buffer.from([value & 0xff]));
		return this;
	}

	int32(value: number): this {
		const bytes = Buffer.allocUnsafe(4);
		bytes.writeInt32BE(value);
		this.#parts.push(bytes);
		return this;
	}

	int64(value: bigint): this {
		const bytes = Buffer.allocUnsafe(8);
		bytes.writeBigInt64BE(value);
		this.#parts.push(bytes);
		return this;
	}

	/** @param hex 32 digits */
	uuid(hex: string): this {
		this.#parts.push(Buffer.from(hex, "hex"));
		return this;
	}

	string(text: string): this {
		const bytes = Buffer.from(text);
		this.#length(bytes.length);
		this.#parts.push(bytes);
		return this;
	}

	array<T>(items: readonly T[], write: (item: T) => void): this {
		this.#length(items.length);
		for (const item of items) write(item);
		return this;
	}

	/** Ends a structure: none of its optional fields. */
	noTags(): this {
		this.#parts.push(NO_TAGS);
		return this;
	}

	bytes(): Buffer {
		return Buffer.concat(this.#parts);
	}

	#length(length: number): void {
		let rest = length + 1;
		const bytes: number[] = [];
		for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
		bytes.push(rest);
		this.#parts.push(Buffer.from(bytes));
	}
}

/** Reads a message field by field; throws a RangeError where it ends too early. */
export class FlexibleReader {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	int16(): number {
		this.#at += 2;
		return this.#bytes.readInt16BE(this.#at - 2);
	}

	int32(): number {
		this.#at += 4;
		return this.#bytes.readInt32BE(this.#at - 4);
	}

	int64(): bigint {
		this.#at += 8;
		return this.#bytes.readBigInt64BE(this.#at - 8);
	}

	/** 32 digits. */
	uuid(): string {
		return this.#take(UUID_BYTES).toString("hex");
	}

	string(): string | null {
		return this.byteSequence()?.toString() ?? null;
	}

	/** A view of the message, not a copy. */
	byteSequence(): Buffer | null {
		const length = this.#unsigned();
		return length === NULL_LENGTH ? null : this.#take(length - 1);
	}

	/** How many items follow; 0 also for an absent array. */
	count(): number {
		return Math.max(this.#unsigned() - 1, 0);
	}

	skipTags(): void {
		for (let tags = this.#unsigned(); tags > 0; tags--) {
			this.#unsigned();
			this.#take(this.#unsigned());
		}
	}

	#unsigned(): number {
		let value = 0;
		for (let shift = 0; shift < 35; shift += 7) {
			const byte = this.#bytes.readUInt8(this.#at++);
			value += (byte & 0x7f) * 2 ** shift;
			if (byte < 0x80) return value;
		}
		throw new RangeError("a length of more than five bytes");
	}

	#take(length: number): Buffer {
		const from = this.#at;
		this.#at += length;
		if (this.#at > this.#bytes.length) throw new RangeError("the message ends within a field");
		return this.#bytes.subarray(from, this.#at);
	}
}
