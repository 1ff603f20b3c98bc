import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import t from "tap";
import { DecodeFault, Decoder, safeDetail } from "../../workers/decode.ts";
import { SliceReader } from "../../workers/slice.ts";
import { seedProperties } from "../support/property-seed.ts";
import { pack, record } from "../support/slices.ts";

seedProperties(t, 1000);

type Value = string | Uint8Array;

/** What the values of a slice are; the decoder is the same for all slices, as in an actor. */
const decoder = new Decoder();
function decoded(values: readonly Value[]): unknown[] {
	const reader = new SliceReader(pack(values.map((value, offset) => record({ value, offset }))));
	decoder.open(reader.values);
	return values.map(() => {
		reader.next();
		return named(decoder.decode(reader.valueStart, reader.valueEnd));
	});
}

/** Each value judged alone, by nothing but JSON.parse and a strict UTF-8 decoder. */
function oracle(values: readonly Value[]): unknown[] {
	const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
	return values.map((value) => {
		const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
		let text: string;
		try {
			text = strict.decode(bytes);
		} catch {
			return "fault: utf8";
		}
		try {
			return JSON.parse(text);
		} catch {
			return "fault: json";
		}
	});
}

const named = (value: unknown) => (value instanceof DecodeFault ? `fault: ${value.reason}` : value);

/** Values that would mean something else together with a neighbour. */
const adversarial = fc.constantFrom<Value>(
	'{"a":[{"x":1}',
	'{"y":2}]}',
	'{"b":1},{"c":2}',
	"1,2",
	'"',
	'"\\',
	"{",
	"}",
	" ",
	"tru",
	"e",
	"-",
	"\ufeff{}",
	"{}\0",
	"{}{}",
	Uint8Array.of(0xff),
	Uint8Array.of(0x22, 0xc3),
	Uint8Array.of(0xa9, 0x22),
	Uint8Array.of(0x22, 0xc3, 0xa9, 0x22),
	Uint8Array.of(0xed, 0xa0, 0x80),
);
const anyValue: fc.Arbitrary<Value> = fc.oneof(
	{ weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
	{ weight: 3, arbitrary: adversarial },
	{ weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 30 }) },
	{ weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 30 }) },
);

t.test("every value is decoded as if it were alone, for any mix of good, bad and hostile ones", async (t) => {
	fc.assert(
		fc.property(fc.array(anyValue, { maxLength: 12 }), (values) =>
			isDeepStrictEqual(decoded(values), oracle(values)),
		),
	);
	t.pass("the decoder agreed with JSON.parse");
});

t.test(
	"values that only parse when glued to a neighbour are refused, and their neighbours are not",
	async (t) => {
		const values = ['{"a":[{"x":1}', '{"y":2}]}', '{"b":1},{"c":2}', '{"good":1}'];
		t.same(decoded(values), ["fault: json", "fault: json", "fault: json", { good: 1 }]);
	},
);

t.test("a slice of ASCII is followed by one that is not, and that by ASCII again", async (t) => {
	t.same(decoded(['"a"']), ["a"]);
	t.same(decoded(['"a"', '"é"']), ["a", "é"]);
	t.same(decoded(['"a"']), ["a"]);
});

t.test("bad UTF-8 is told apart from bad JSON, also where the neighbours complete it", async (t) => {
	const values = [Uint8Array.of(0x22, 0xc3), Uint8Array.of(0xa9, 0x22), Uint8Array.of(0xff), "{"];
	t.same(decoded(values), ["fault: utf8", "fault: utf8", "fault: utf8", "fault: json"]);
});

t.test("bytes that a lenient decoder would read as the same user are refused", async (t) => {
	const user = (byte: number) => Uint8Array.of(0x22, byte, 0x22);
	t.same(decoded([user(0xfe), user(0xff)]), ["fault: utf8", "fault: utf8"]);
});

t.test("a byte order mark is not JSON", async (t) => {
	const marked = Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d);
	t.same(decoded([marked]), ["fault: json"]);
	t.same(decoded(['{"é":1}', marked]), [{ é: 1 }, "fault: json"]);
});

t.test("nesting 100,000 deep and strings of a megabyte neither throw nor spoil a neighbour", async (t) => {
	const deep = "[".repeat(100_000) + "]".repeat(100_000);
	const long = JSON.stringify("é".repeat(500_000));
	const [first, second, third, fourth] = decoded([deep, long, '{"a":1}', "7"]);
	t.ok(Array.isArray(first));
	t.equal((second as string).length, 500_000);
	t.same(third, { a: 1 });
	t.equal(fourth, 7);
	t.same(decoded(["[".repeat(100_000), '{"a":1}']), ["fault: json", { a: 1 }]);
});

t.test("details say what was wrong in at most 100 characters that Postgres can store", async (t) => {
	fc.assert(
		fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.nat(120), (text, cut) => {
			// Cut anywhere: also through the middle of a pair.
			const detail = safeDetail(`${"x".repeat(cut)}\ud83d\ude00\0\ud83d${text}`);
			return detail.length <= 100 && !/[\0\p{Surrogate}]/u.test(detail);
		}),
	);
	decoder.open(new TextEncoder().encode('{"a":tru}'));
	t.match((decoder.decode(0, 9) as DecodeFault).detail, /JSON/);
});
