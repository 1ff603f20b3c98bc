import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import kafkajs from "kafkajs";
import lz4 from "lz4-napi";
import t from "tap";
import {
	registerCodecs,
	UNPACKED_BYTES_MAX,
	unpackLz4,
	unpackSnappy,
	unpackZstd,
} from "../../../engine/kafka/codecs.ts";
import { seedProperties } from "../../support/property-seed.ts";

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** What kafkajs would use for this kind of batch. */
function codec(type: number) {
	registerCodecs();
	return (
		CompressionCodecs as Record<
			number,
			() => { decompress(b: Buffer): Promise<Buffer>; compress(): Promise<Buffer> }
		>
	)[type]!();
}

/** A raw block of Snappy that only copies: the length, then literals of at most 60 bytes. */
function snappyLiterals(plain: Buffer): Buffer {
	const parts: Buffer[] = [];
	let rest = plain.length;
	const length: number[] = [];
	do {
		length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
		rest >>>= 7;
	} while (rest > 0);
	parts.push(Buffer.from(length));
	for (let at = 0; at < plain.length; at += 60) {
		const literal = plain.subarray(at, at + 60);
		parts.push(Buffer.from([(literal.length - 1) << 2]), literal);
	}
	return Buffer.concat(parts);
}

/** As snappy-java streams it: a sign, two versions, then blocks behind their lengths. */
function xerial(blocks: readonly Buffer[]): Buffer {
	const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
	const parts = blocks.flatMap((block) => {
		const length = Buffer.alloc(4);
		length.writeInt32BE(block.length);
		return [length, block];
	});
	return Buffer.concat([header, ...parts]);
}

t.test("Snappy is read as snappy-java streams it, and as a raw block", async (t) => {
	const plain = randomBytes(70_000);
	t.ok((await unpackSnappy(snappyLiterals(plain))).equals(plain));
	const blocks = [plain.subarray(0, 32_768), plain.subarray(32_768, 65_536), plain.subarray(65_536)];
	t.ok((await unpackSnappy(xerial(blocks.map(snappyLiterals)))).equals(plain));
	t.equal((await unpackSnappy(xerial([]))).length, 0);
});

t.test("a Snappy stream whose blocks do not fit is refused", async (t) => {
	const stream = xerial([snappyLiterals(randomBytes(100))]);
	await t.rejects(unpackSnappy(stream.subarray(0, stream.length - 1)), { message: /beyond its batch/ });
	stream.writeInt32BE(-4, 16);
	await t.rejects(unpackSnappy(stream), { message: /beyond its batch/ });
});

t.test("what unpacks to more than the limit is refused, before the memory is taken", async (t) => {
	const huge = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0]);
	await t.rejects(unpackSnappy(huge), /./, "1 GiB, says the block");
	// A frame of Zstandard made of blocks that repeat one byte 128 KiB times each.
	const blocks = UNPACKED_BYTES_MAX / (128 * 1024) + 1;
	const frame = Buffer.alloc(6 + blocks * 4);
	frame.writeUInt32LE(0xfd2fb528);
	frame[5] = 7 << 3;
	for (let at = 6; at < frame.length; at += 4) frame.writeUIntLE((128 * 1024 * 8) | 2, at, 3);
	await t.rejects(unpackZstd(frame), { message: /more than/ });
	const bomb = gzipSync(Buffer.alloc(UNPACKED_BYTES_MAX + 1), { level: 1 });
	await t.rejects(codec(CompressionTypes.GZIP).decompress(bomb), { code: "ERR_BUFFER_TOO_LARGE" });
});

t.test("LZ4 frames of any content come back as they were", async (t) => {
	seedProperties(t, 50);
	await fc.assert(
		fc.asyncProperty(
			fc.uint8Array({ maxLength: 5_000 }),
			fc.integer({ min: 1, max: 60 }),
			async (bytes, times) => {
				const plain = Buffer.concat(Array(times).fill(bytes));
				const packed = await lz4.compressFrame(plain, { contentChecksum: times % 2 === 0 });
				return (await unpackLz4(packed)).equals(plain);
			},
		),
	);
});

t.test("bytes that are no LZ4, Snappy or Zstandard are refused, never taken for records", async (t) => {
	const noise = randomBytes(1_000);
	for (const unpack of [unpackLz4, unpackZstd]) await t.rejects(unpack(noise));
	await t.rejects(unpackSnappy(Buffer.alloc(20, 0xff)));
});

t.test("all four are registered, for reading only", async (t) => {
	for (const type of [
		CompressionTypes.GZIP,
		CompressionTypes.Snappy,
		CompressionTypes.LZ4,
		CompressionTypes.ZSTD,
	]) {
		await t.rejects(codec(type).compress(), { message: /for reading only/ });
	}
	t.equal(String(await codec(CompressionTypes.GZIP).decompress(gzipSync("text"))), "text");
});
