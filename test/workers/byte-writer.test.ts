import fc from "fast-check";
import t from "tap";
import { ByteWriter, utf8BytesMax } from "../../workers/byte-writer.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 1000 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

function written(write: (out: ByteWriter) => void, size = 64): Buffer {
	const out = new ByteWriter();
	out.reserve(size);
	write(out);
	return Buffer.concat(out.take());
}

t.test("every safe integer is written as int64", async (t) => {
	fc.assert(
		fc.property(
			fc.maxSafeInteger(),
			(value) => written((out) => out.int64(value)).readBigInt64BE() === BigInt(value),
		),
	);
	for (const value of [0, -1, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53)]) {
		t.equal(written((out) => out.int64(value)).readBigInt64BE(), BigInt(value), String(value));
	}
});

t.test("timestamps are exact to the microsecond from before 1970 to beyond year 10000", async (t) => {
	const exact = (seconds: number, micros: number) =>
		written((out) => out.timestamp(seconds, micros)).readBigInt64BE() ===
		(BigInt(seconds) - 946_684_800n) * 1_000_000n + BigInt(micros);
	fc.assert(fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_400_000 }), fc.nat(999_999), exact));
	// Around every multiple of 2^32 µs the low half carries into the high one.
	fc.assert(
		fc.property(fc.integer({ min: -100_000, max: 50_000_000 }), (multiple) => {
			const seconds = 946_684_800 + Math.floor((multiple * 2 ** 32) / 1e6);
			return exact(seconds, 0) && exact(seconds, 999_999) && exact(seconds + 1, 0);
		}),
	);
	for (const seconds of [-1, 0, 946_684_799, 946_684_800, 253_402_300_799, 253_402_351_199]) {
		t.ok(exact(seconds, 0) && exact(seconds, 999_999), `${seconds} s`);
	}
});

t.test("text is UTF-8 whatever the characters and the length", async (t) => {
	const anyText = fc.oneof(
		fc.string({ maxLength: 300 }),
		fc.string({ unit: "binary", maxLength: 300 }),
		// ASCII up to the last character: the fast path has to turn back.
		fc.string({ unit: "binary-ascii", maxLength: 63 }).map((text) => `${text}é`),
	);
	fc.assert(
		fc.property(anyText, (text) => {
			const bytes = written((out) => out.text(text), 4 + utf8BytesMax(text));
			return bytes.readInt32BE() === bytes.length - 4 && bytes.subarray(4).equals(Buffer.from(text, "utf8"));
		}),
	);
	t.pass("all texts were read back");
});

t.test("what is reserved together stands in one chunk, and no byte is lost between chunks", async (t) => {
	fc.assert(
		fc.property(
			fc.array(fc.oneof(fc.nat(300), fc.nat(9000), fc.nat(1_500_000)), { maxLength: 40 }),
			(sizes) => {
				const out = new ByteWriter();
				for (const [i, size] of sizes.entries()) {
					out.reserve(4 + size);
					out.int32(size);
					out.bytes(new Uint8Array(size).fill(i));
				}
				let seen = 0;
				for (const chunk of out.take()) {
					const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
					let at = 0;
					while (at < bytes.length) {
						const size = bytes.readInt32BE(at);
						if (size !== sizes[seen] || (size > 0 && bytes[at + 3 + size] !== seen)) return false;
						at += 4 + size;
						seen++;
					}
					if (at !== bytes.length) return false;
				}
				return seen === sizes.length && out.take().length === 0;
			},
		),
		{ numRuns: 50 },
	);
	t.pass("all records were found whole");
});

t.test("a few bytes hold on to a few bytes, and every chunk owns its buffer", async (t) => {
	const out = new ByteWriter();
	out.reserve(10);
	out.int32(1);
	const [chunk] = out.take();
	t.equal(chunk?.buffer.byteLength, 4);
	for (let i = 0; i < 3000; i++) {
		out.reserve(100);
		out.bytes(new Uint8Array(100));
	}
	const chunks = out.take();
	t.equal(new Set(chunks.map(({ buffer }) => buffer)).size, chunks.length);
	t.ok(chunks.length < 10, "300 kB are a few chunks");
	for (const { buffer, byteLength } of chunks) t.ok(buffer.byteLength <= 2 * byteLength);
});

t.test("takeWhole joins the chunks", async (t) => {
	const out = new ByteWriter();
	for (let i = 0; i < 5000; i++) {
		out.reserve(4);
		out.int32(i);
	}
	const whole = Buffer.from(out.takeWhole());
	t.equal(whole.length, 20_000);
	t.ok(Array.from({ length: 5000 }, (_, i) => whole.readInt32BE(4 * i) === i).every(Boolean));
	t.equal(out.takeWhole().length, 0);
});

t.test("writing past what was reserved throws instead of shortening a text", async (t) => {
	t.throws(() => written((out) => out.text("é".repeat(5000)), 16), RangeError);
	t.throws(() => written((out) => out.bytes(new Uint8Array(5000)), 16), RangeError);
	t.throws(() => new ByteWriter().int32(1), RangeError);
});
