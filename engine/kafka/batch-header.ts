/** The fixed part of a record batch of format 2 (https://kafka.apache.org/documentation/#recordbatch). */

export const HEADER_BYTES = 61;
export const MAGIC_AT = 16;
/** What the checksum covers begins here. */
export const ATTRIBUTES_AT = 21;

const LENGTH_AT = 8;
const CRC_AT = 17;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
/** `LENGTH` counts what is behind it. */
const LENGTH_END = 12;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_FLAG = 0x08;
const TRANSACTIONAL_FLAG = 0x10;
const CONTROL_FLAG = 0x20;

/** Bytes of the batch at `at` by its own word, which may be nonsense; NaN where not even a header is left. */
export function batchBytes(bytes: Buffer, at: number): number {
	return at + HEADER_BYTES > bytes.length ? Number.NaN : LENGTH_END + bytes.readInt32BE(at + LENGTH_AT);
}

/** Read at once, per batch: fields of one whole batch that is known to be of format 2. */
export class BatchHeader {
	readonly baseOffset: bigint;
	readonly checksum: number;
	/** 0 is none. */
	readonly codec: number;
	/** The broker's own time stands for those of all records. */
	readonly isLogAppendTime: boolean;
	readonly inTransaction: boolean;
	readonly isControl: boolean;
	readonly lastOffset: bigint;
	readonly baseTimestampMs: bigint;
	readonly maxTimestampMs: bigint;
	readonly producerId: bigint;
	/** Records, by the header's own word. */
	readonly count: number;

	constructor(batch: Buffer) {
		const attributes = batch.readInt16BE(ATTRIBUTES_AT);
		this.baseOffset = batch.readBigInt64BE(0);
		this.checksum = batch.readUInt32BE(CRC_AT);
		this.codec = attributes & CODEC_MASK;
		this.isLogAppendTime = (attributes & LOG_APPEND_TIME_FLAG) !== 0;
		this.inTransaction = (attributes & TRANSACTIONAL_FLAG) !== 0;
		this.isControl = (attributes & CONTROL_FLAG) !== 0;
		this.lastOffset = this.baseOffset + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT));
		this.baseTimestampMs = batch.readBigInt64BE(BASE_TIMESTAMP_AT);
		this.maxTimestampMs = batch.readBigInt64BE(MAX_TIMESTAMP_AT);
		this.producerId = batch.readBigInt64BE(PRODUCER_ID_AT);
		this.count = batch.readInt32BE(COUNT_AT);
	}
}
