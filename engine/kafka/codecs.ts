/**
 * The compressions that producers may choose, for reading. kafkajs brings gzip alone, without a limit, and a batch in
 * any other ends its consumer (K21).
 *
 * Snappy and Zstandard are plain JavaScript (snappyjs, fzstd): nothing to compile, nothing to download for a platform,
 * and faster here than the native packages. LZ4 has a native part for each platform as an optional package
 * (lz4-napi); it is loaded with the first such batch, so that a platform without one loses LZ4 and nothing else.
 */
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Decompress } from "fzstd";
import kafkajs from "kafkajs";

// Node does not find these two among the names of the CommonJS module.
const { CompressionCodecs, CompressionTypes } = kafkajs;

/**
 * Bytes of one batch, unpacked. A batch is at most `message.max.bytes` (1 MiB by default) on the wire, and real events
 * shrink to a twentieth; 1 MiB of Zstandard can also hold a terabyte of zeros, which would end the process again and again.
 */
export const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;

/** As kafkajs calls it; only the reading half is ever used. */
interface Codec {
	compress(): Promise<Buffer>;
	decompress(packed: Buffer): Promise<Buffer>;
}

/** Tells kafkajs of all of them. Safe to call again. */
export function registerCodecs(): void {
	const codecs: Readonly<Record<number, Codec>> = {
		[CompressionTypes.GZIP]: readingWith("gzip", unpackGzip),
		[CompressionTypes.Snappy]: readingWith("Snappy", unpackSnappy),
		[CompressionTypes.LZ4]: readingWith("LZ4", unpackLz4),
		[CompressionTypes.ZSTD]: readingWith("Zstandard", unpackZstd),
	};
	const registry = CompressionCodecs as Record<number, () => Codec>;
	for (const [type, codec] of Object.entries(codecs)) registry[Number(type)] = () => codec;
}

const UNPACK: readonly (((packed: Buffer) => Promise<Buffer>) | undefined)[] = [
	undefined,
	unpackGzip,
	unpackSnappy,
	unpackLz4,
	unpackZstd,
];

/** By the number in a batch's header. Rejects when the bytes are not what it says, or too many. */
export async function unpack(codec: number, packed: Buffer): Promise<Buffer> {
	const unpackOne = UNPACK[codec];
	if (unpackOne === undefined) throw new RangeError(`${codec} is the number of no compression`);
	return await unpackOne(packed);
}

function readingWith(name: string, decompress: (packed: Buffer) => Promise<Buffer>): Codec {
	return {
		compress: () =>
			Promise.reject(new Error(`${name} is registered for reading only: send without compression`)),
		decompress,
	};
}

const gunzipAsync = promisify(gunzip);

async function unpackGzip(packed: Buffer): Promise<Buffer> {
	return await gunzipAsync(packed, { maxOutputLength: UNPACKED_BYTES_MAX });
}

/** What snappy-java puts in front of its stream: a sign no raw block begins with, then two version numbers. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** snappyjs has no types. Throws when the block says that it is larger than `maxLength`. */
type Snappy = { uncompress(packed: Buffer, maxLength: number): Uint8Array };

const require = createRequire(import.meta.url);
let snappy: Snappy | null = null;

/** Java and most others write snappy-java's stream of length-prefixed blocks, librdkafka one raw block. */
export async function unpackSnappy(packed: Buffer): Promise<Buffer> {
	snappy ??= require("snappyjs") as Snappy;
	if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
		return asBuffer(snappy.uncompress(packed, UNPACKED_BYTES_MAX));
	}
	const blocks: Uint8Array[] = [];
	let unpackedBytes = 0;
	for (let at = XERIAL_HEADER_BYTES; at < packed.length; ) {
		const from = at + 4;
		at = from + packed.readInt32BE(at);
		if (at < from || at > packed.length) throw new Error("a Snappy block reaches beyond its batch");
		const block = snappy.uncompress(packed.subarray(from, at), UNPACKED_BYTES_MAX - unpackedBytes);
		unpackedBytes += block.length;
		blocks.push(block);
	}
	return Buffer.concat(blocks);
}

/** The frames of LZ4 and nothing older: Kafka's own dialect of them went with the message sets before version 0.10. */
export async function unpackLz4(packed: Buffer): Promise<Buffer> {
	const { decompressFrameSync } = await loadLz4();
	// No limit of its own is needed: LZ4 shrinks to a 255th at best.
	return decompressFrameSync(packed);
}

async function loadLz4(): Promise<typeof import("lz4-napi")> {
	try {
		return await import("lz4-napi");
	} catch (error) {
		throw new Error(
			"LZ4 needs lz4-napi's part for this platform, which is not installed: run `npm ci` without --omit=optional",
			{ cause: error },
		);
	}
}

/** As a stream, and stopped at the limit: a frame need not say how large it will be. */
export async function unpackZstd(packed: Buffer): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	let unpackedBytes = 0;
	const stream = new Decompress((chunk) => {
		unpackedBytes += chunk.length;
		if (unpackedBytes > UNPACKED_BYTES_MAX)
			throw new Error(`unpacks to more than ${UNPACKED_BYTES_MAX} bytes`);
		chunks.push(chunk);
	});
	stream.push(packed, true);
	return Buffer.concat(chunks);
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
