/** A record batch as kafkajs reads it, its checksum verified first: kafkajs itself looks at none. */
import { createRequire } from "node:module";
import { crc32c } from "../../../../engine/kafka/crc32c.ts";

export interface ReadRecord {
	readonly offset: string;
	readonly timestamp: string;
	readonly key: Buffer | null;
	readonly value: Buffer;
}

interface Decoder {
	readonly buffer: Buffer;
}

const require = createRequire(import.meta.url);
const Decoder = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder;
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (
	decoder: Decoder,
) => Promise<{ readonly records: ReadRecord[] }>;

const LENGTH_AT = 8;
const LENGTH_END = 12;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;

/** @throws Error when the length or the checksum is wrong */
export async function readBatch(bytes: Buffer): Promise<readonly ReadRecord[]> {
	if (bytes.readInt32BE(LENGTH_AT) !== bytes.length - LENGTH_END) throw new Error("the length is wrong");
	if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes, ATTRIBUTES_AT)) throw new Error("the checksum is wrong");
	return (await decodeBatch(new Decoder(bytes))).records;
}
