import fc from "fast-check";
import t from "tap";
import { isTooLong, LINE_BYTES_MAX, LineSplitter, linesOf } from "../../producer/lines.ts";

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
	let start = 0;
	for (let i = 0; start < bytes.length; i++) {
		const size = sizes[i % sizes.length]!;
		yield bytes.subarray(start, start + size);
		start += size;
	}
}

async function split(bytes: Buffer, sizes: readonly number[]): Promise<string[]> {
	const lines: string[] = [];
	for await (const list of linesOf(chunked(bytes, sizes)))
		for (const line of list) lines.push(line.toString("latin1"));
	return lines;
}

t.test("lines end at \\n, and the last one may do without", async (t) => {
	t.strictSame(await split(Buffer.from("a\nb\n"), [100]), ["a", "b"]);
	t.strictSame(await split(Buffer.from("a\nb"), [100]), ["a", "b"]);
	t.strictSame(await split(Buffer.from("\n\na\r\n"), [100]), ["", "", "a\r"]);
	t.strictSame(await split(Buffer.from(""), [100]), []);
});

t.test("the lines are the same however the bytes are cut into chunks", async () => {
	const byte = fc.constantFrom(0x0a, 0x0d, 0x61, 0xff, 0xc3);
	await fc.assert(
		fc.asyncProperty(
			fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
			fc.array(byte, { maxLength: 60 }),
			fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
			async (some, more, sizes) => {
				const bytes = Buffer.concat([some, Buffer.from(more)]);
				const expected = bytes.toString("latin1").split("\n");
				if (expected.at(-1) === "") expected.pop();
				const found = await split(bytes, sizes);
				return JSON.stringify(found) === JSON.stringify(expected);
			},
		),
		{ verbose: true },
	);
});

t.test("an overlong line is cut off and marked, and the next line is whole", async (t) => {
	const splitter = new LineSplitter();
	const chunk = Buffer.alloc(300_000, "x");
	for (let i = 0; i < 10; i++) t.strictSame(splitter.next(chunk), []);
	const [long, next] = splitter.next(Buffer.from("end\nnext\n"));
	t.equal(long!.length, LINE_BYTES_MAX + 1);
	t.ok(isTooLong(long!));
	t.equal(next!.toString(), "next");
	t.notOk(isTooLong(Buffer.alloc(LINE_BYTES_MAX)));
	const [within] = new LineSplitter().next(Buffer.from(`${"y".repeat(LINE_BYTES_MAX + 5)}\n`));
	t.ok(isTooLong(within!), "also when it comes in one chunk");
});
