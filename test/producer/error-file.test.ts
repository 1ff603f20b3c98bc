import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createErrorFile, errorFileLine } from "../../producer/error-file.ts";

const REFUSED = { line: 3, reason: "json", pointer: "", detail: "" } as const;

t.test("the line is kept as text, or as base64 when it is not UTF-8", async (t) => {
	const text = JSON.parse(errorFileLine({ ...REFUSED, value: Buffer.from('{"ü') })) as object;
	t.strictSame(text, { ...REFUSED, encoding: "utf8", value: '{"ü' });
	const bytes = Buffer.from([0x7b, 0xff, 0xfe]);
	const binary = JSON.parse(errorFileLine({ ...REFUSED, value: bytes })) as {
		encoding: string;
		value: string;
	};
	t.equal(binary.encoding, "base64");
	t.strictSame(Buffer.from(binary.value, "base64"), bytes);
});

t.test("a record is one line, whatever the value holds", async (t) => {
	const record = errorFileLine({ ...REFUSED, value: Buffer.from("a\r\u2028\u0000") });
	t.strictSame(record.trimEnd().split("\n").length, 1);
	t.ok(record.endsWith("\n"));
	t.ok(
		errorFileLine({ ...REFUSED, value: Buffer.alloc(2_000_000, "x") }).length < 70_000,
		"an overlong one is cut",
	);
});

t.test("the file and its folder are made with the first record, and later ones are appended", async (t) => {
	const path = join(t.testdir(), "data", "bad.log");
	const refuse = createErrorFile(path);
	t.notOk(existsSync(path));
	await refuse([{ ...REFUSED, value: Buffer.from("a") }]);
	await refuse([
		{ ...REFUSED, value: Buffer.from("b") },
		{ ...REFUSED, value: Buffer.from("c") },
	]);
	const values = readFileSync(path, "utf8").trimEnd().split("\n");
	t.strictSame(
		values.map((line) => (JSON.parse(line) as { value: string }).value),
		["a", "b", "c"],
	);
});
