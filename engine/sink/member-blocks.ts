import { INT8_ELEMENT_BYTES, putInt8 } from "./int8-elements.ts";

const ROWS_INITIAL = 64;

/** How a table keeps members: so many neighbouring numbers to a row, a bit of one value for each. */
export interface BlockLayout {
	readonly membersPerRow: number;
	/** What an array element of bits begins with: its int32 length, then what its type has in front of the bits. */
	readonly head: readonly number[];
	/** Whether bit 0 is the last of the last byte (`1 << 0` of a number), or the first of the first (a bit string). */
	readonly startsRight: boolean;
}

/** `int8`. Sessions may be spread wide: a row must not cost much when it holds one. */
export const SESSION_BLOCKS: BlockLayout = { membersPerRow: 64, head: [8], startsRight: true };
/** `varbit`: its length in bits goes first. Users are numbered without large gaps. */
export const USER_BLOCKS: BlockLayout = { membersPerRow: 1_024, head: [4 + 128, 1_024], startsRight: false };

/** Elements of three Postgres binary arrays of equal length: a row each of a table of members. */
export interface BlockColumns {
	readonly count: number;
	/** `timestamptz`. */
	readonly hours: Uint8Array;
	/** `int8`: numbers of the members divided by `membersPerRow`, rounded down. */
	readonly blocks: Uint8Array;
	/** The type of the layout. */
	readonly bits: Uint8Array;
}

/**
 * Puts the (hour, member) pairs of a set together: members whose numbers are neighbours become one row. No row comes
 * twice; their order is Postgres's business. About 0.05 µs a pair when numbers are neighbours, 0.1 at random.
 */
export class MemberBlocks {
	readonly #layout: BlockLayout;
	readonly #headBytes: number;
	readonly #elementBytes: number;
	/** Row by hour and block. */
	readonly #hours = new Map<number, Map<number, number>>();
	#count = 0;
	#hourColumn = new DataView(new ArrayBuffer(ROWS_INITIAL * INT8_ELEMENT_BYTES));
	#blockColumn = new DataView(new ArrayBuffer(ROWS_INITIAL * INT8_ELEMENT_BYTES));
	#bitColumn: DataView<ArrayBuffer>;
	#lastHourMicros = Number.NaN;
	#lastHour = new Map<number, number>();
	#lastBlock = -1;
	#lastRow = -1;

	constructor(layout: BlockLayout) {
		this.#layout = layout;
		this.#headBytes = layout.head.length * 4;
		this.#elementBytes = this.#headBytes + layout.membersPerRow / 8;
		this.#bitColumn = new DataView(new ArrayBuffer(ROWS_INITIAL * this.#elementBytes));
	}

	/**
	 * @param hourMicros a whole hour, in µs since 2000: exact, being a multiple of 1024
	 * @param member its number, 0 to 2^53 - 1
	 */
	add(hourMicros: number, member: number): void {
		const { membersPerRow, startsRight } = this.#layout;
		const block = Math.floor(member / membersPerRow);
		if (block !== this.#lastBlock || hourMicros !== this.#lastHourMicros) this.#select(hourMicros, block);
		const bit = member - block * membersPerRow;
		const byte = startsRight ? membersPerRow / 8 - 1 - (bit >> 3) : bit >> 3;
		const at = this.#lastRow * this.#elementBytes + this.#headBytes + byte;
		const mask = startsRight ? 1 << (bit & 7) : 128 >> (bit & 7);
		this.#bitColumn.setUint8(at, this.#bitColumn.getUint8(at) | mask);
	}

	columns(): BlockColumns {
		const part = ({ buffer }: DataView<ArrayBuffer>, bytes: number) => new Uint8Array(buffer, 0, bytes);
		const count = this.#count;
		return {
			count,
			hours: part(this.#hourColumn, count * INT8_ELEMENT_BYTES),
			blocks: part(this.#blockColumn, count * INT8_ELEMENT_BYTES),
			bits: part(this.#bitColumn, count * this.#elementBytes),
		};
	}

	#select(hourMicros: number, block: number): void {
		if (hourMicros !== this.#lastHourMicros) {
			this.#lastHour = this.#hours.get(hourMicros) ?? new Map<number, number>();
			if (this.#lastHour.size === 0) this.#hours.set(hourMicros, this.#lastHour);
			this.#lastHourMicros = hourMicros;
		}
		this.#lastBlock = block;
		const row = this.#lastHour.get(block);
		this.#lastRow = row ?? this.#newRow(hourMicros, block);
		if (row === undefined) this.#lastHour.set(block, this.#lastRow);
	}

	#newRow(hourMicros: number, block: number): number {
		const row = this.#count++;
		if (row * INT8_ELEMENT_BYTES === this.#hourColumn.byteLength) this.#grow();
		putInt8(this.#hourColumn, row, hourMicros);
		putInt8(this.#blockColumn, row, block);
		const at = row * this.#elementBytes;
		for (const [i, int] of this.#layout.head.entries()) this.#bitColumn.setInt32(at + i * 4, int);
		return row;
	}

	#grow(): void {
		this.#hourColumn = doubled(this.#hourColumn);
		this.#blockColumn = doubled(this.#blockColumn);
		this.#bitColumn = doubled(this.#bitColumn);
	}
}

function doubled({ buffer }: DataView<ArrayBuffer>): DataView<ArrayBuffer> {
	const larger = new Uint8Array(2 * buffer.byteLength);
	larger.set(new Uint8Array(buffer));
	return new DataView(larger.buffer);
}
