import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import t from "tap";
import { DecodeFault, decodeOneByOne, decodeSlice, safeDetail } from "../../workers/decode.ts";
import { pack, record } from "../support/slices.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
fc.configureGlobal({ seed, numRuns: 1000 });
t.comment(`fast-check seed ${seed} (FC_SEED repeats it)`);

type Value = string | Uint8Array | null;

const sliceOf = (values: readonly Value[]) => pack(values.map((value, offset) => record({ value, offset })));

/** What the slice's values are, however they were parsed. */
function decoded(values: readonly Value[]): unknown[] {
	const { elements, step } = decodeSlice(sliceOf(values));
	return elements.filter((_element, i) => i % step === 0);
}

/** Each value judged alone, by nothing but JSON.parse and a strict UTF-8 decoder. */
function oracle(values: readonly Value[]): unknown[] {
	const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
	return values.flatMap((value) => {
		const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
		if (bytes === null || bytes.length === 0) return [];
		let text: string;
		try {
			text = decoder.decode(bytes);
		} catch {
			return ["fault: utf8"];
		}
		try {
			return [JSON.parse(text)];
		} catch {
			return ["fault: json"];
		}
	});
}

const named = (elements: readonly unknown[]) =>
	elements.map((element) => (element instanceof DecodeFault ? `fault: ${element.reason}` : element));

/** Values that mean nothing alone, or something else, once they stand beside others. */
const adversarial = fc.constantFrom<Value>(
	'{"a":[{"x":1}',
	'{"y":2}]}',
	'{"b":1},{"c":2}',
	"1,2",
	"1,1234567890,2",
	",",
	"[",
	"]",
	"[1",
	"2]",
	'"',
	'"a',
	'b"',
	'"\\',
	"{",
	"}",
	'{"k":',
	"1}",
	" ",
	"\n",
	"",
	"tru",
	"e",
	"1 2",
	"-",
	"1e",
	"5",
	"\ufeff{}",
	"{}\ufeff",
	"\0",
	"{}\0",
	"//",
	"/*",
	"*/",
	"{}{}",
	"][",
	null,
	Uint8Array.of(0xff),
	Uint8Array.of(0x22, 0xff, 0x22),
	Uint8Array.of(0x22, 0xc3),
	Uint8Array.of(0xa9, 0x22),
	Uint8Array.of(0x22, 0xc3, 0xa9, 0x22),
	Uint8Array.of(0xed, 0xa0, 0x80),
);
const anyValue: fc.Arbitrary<Value> = fc.oneof(
	{ weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
	{ weight: 3, arbitrary: adversarial },
	{ weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
	{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
);

t.test(
	"a slice decodes as its values would one by one, for any mix of good, bad and hostile values",
	async (t) => {
		fc.assert(
			fc.property(fc.array(anyValue, { maxLength: 12 }), (values) =>
				isDeepStrictEqual(named(decoded(values)), oracle(values)),
			),
		);
		t.pass("whole and single decoding agreed");
	},
);

t.test("good values alone take the one parse, and give the same", async (t) => {
	fc.assert(
		fc.property(fc.array(fc.json({ maxDepth: 4 }), { minLength: 1, maxLength: 40 }), (values) => {
			const slice = sliceOf(values);
			const { elements, step } = decodeSlice(slice);
			return (
				step === 2 &&
				isDeepStrictEqual(
					elements.filter((_element, i) => i % 2 === 0),
					decodeOneByOne(slice),
				)
			);
		}),
	);
	t.pass("one parse was enough");
});

t.test(
	"values that only parse when glued to a neighbour are refused, and their neighbours are not",
	async (t) => {
		const values = ['{"a":[{"x":1}', '{"y":2}]}', '{"b":1},{"c":2}', '{"good":1}'];
		t.same(named(decoded(values)), ["fault: json", "fault: json", "fault: json", { good: 1 }]);
	},
);

t.test("a value cannot stand in for its neighbour by bringing a separator of its own", async (t) => {
	// The second and third values together hold as many elements as they should, were the number known.
	const values = ['{"a":[1', "2]}", "3,4294967295,5"];
	t.same(named(decoded(values)), ["fault: json", "fault: json", "fault: json"]);
});

t.test("the separator is another one for every slice", async (t) => {
	const separators = new Set(
		Array.from({ length: 20 }, () => {
			const slice = sliceOf(["1", "2"]);
			const { elements } = decodeSlice(slice);
			return elements[1];
		}),
	);
	t.ok(separators.size > 15, "twenty slices of the same bytes, next to no number twice");
	for (const separator of separators) t.ok(Number(separator) >= 1e9 && Number(separator) < 2 ** 32);
});

t.test("bad UTF-8 is told apart from bad JSON, also where the neighbours complete it", async (t) => {
	const values = [Uint8Array.of(0x22, 0xc3), Uint8Array.of(0xa9, 0x22), Uint8Array.of(0xff), "{"];
	t.same(named(decoded(values)), ["fault: utf8", "fault: utf8", "fault: utf8", "fault: json"]);
});

t.test("bytes that a lenient decoder would read as the same user are refused", async (t) => {
	const user = (byte: number) => Uint8Array.of(0x22, byte, 0x22);
	t.same(named(decoded([user(0xfe), user(0xff)])), ["fault: utf8", "fault: utf8"]);
});

t.test("a byte order mark is not JSON", async (t) => {
	t.same(named(decoded([Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)])), ["fault: json"]);
	t.same(named(decoded(['{"é":1}', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)])), [{ é: 1 }, "fault: json"]);
});

t.test("nesting 100,000 deep and strings of a megabyte neither throw nor spoil a neighbour", async (t) => {
	const deep = "[".repeat(100_000) + "]".repeat(100_000);
	const unclosed = "[".repeat(100_000);
	const long = JSON.stringify("é".repeat(500_000));
	const [first, second, third, fourth] = decoded([deep, long, '{"a":1}', "7"]);
	t.ok(Array.isArray(first));
	t.equal((second as string).length, 500_000);
	t.same(third, { a: 1 });
	t.equal(fourth, 7);
	t.same(named(decoded([unclosed, '{"a":1}'])), ["fault: json", { a: 1 }]);
});

t.test("a slice without a single byte of value decodes to nothing", async (t) => {
	t.same(decoded(["", null, ""]), []);
	t.same(decoded([]), []);
});

t.test("details say what was wrong in at most 100 characters that Postgres can store", async (t) => {
	fc.assert(
		fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.nat(120), (text, cut) => {
			// Cut anywhere: also through the middle of a pair.
			const detail = safeDetail(`${"x".repeat(cut)}\ud83d\ude00\0\ud83d${text}`);
			return detail.length <= 100 && !/[\0\p{Surrogate}]/u.test(detail);
		}),
	);
	const [fault] = decoded(['{"a":tru}']);
	t.match((fault as DecodeFault).detail, /JSON/);
});
