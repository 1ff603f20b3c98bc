import assert from "node:assert/strict";
import fc from "fast-check";
import type { IHeaders, KafkaMessage } from "kafkajs";
import t from "tap";
import { BatchCursor } from "../../../engine/kafka/batch-cursor.ts";
import { headersJson } from "../../../engine/kafka/headers-json.ts";
import { seedProperties } from "../../support/property-seed.ts";

seedProperties(t, 300);

function message(fields: Partial<KafkaMessage>): KafkaMessage {
	return { offset: "0", timestamp: "-1", attributes: 0, key: null, value: null, ...fields } as KafkaMessage;
}

const parsed = (headers: IHeaders | undefined): unknown => {
	const json = headersJson(headers);
	return json === null ? null : JSON.parse(Buffer.from(json).toString("utf8"));
};

t.test("the fields describe the record the cursor stands on", async (t) => {
	const value = Buffer.from("value");
	const key = Buffer.from("key");
	const cursor = new BatchCursor([
		message({ offset: "7", timestamp: "1700000000000", value, key, headers: { a: Buffer.from("x") } }),
		message({ offset: "9" }),
	]);
	t.ok(cursor.next());
	t.match(cursor, {
		offset: 7,
		timestampMs: 1_700_000_000_000,
		valueStart: 0,
		valueEnd: 5,
		keyStart: 0,
		keyEnd: 3,
	});
	t.equal(cursor.value, value, "the bytes are not copied");
	t.equal(cursor.key, key);
	t.equal(String(cursor.headers), '{"a":"eA=="}');
	t.ok(cursor.next());
	t.match(cursor, { offset: 9, timestampMs: -1, valueEnd: 0, keyEnd: 0 });
	t.same([cursor.value, cursor.key, cursor.headers], [null, null, null], "nothing is left of the one before");
});

t.test(
	"at the end next is false, again and again, and the fields go on describing the last record",
	async (t) => {
		const cursor = new BatchCursor([message({ offset: "3", value: Buffer.from("v") })]);
		cursor.next();
		t.notOk(cursor.next());
		t.notOk(cursor.next());
		t.match(cursor, { offset: 3, valueEnd: 1 });
		t.equal(String(cursor.value), "v");
		t.notOk(new BatchCursor([]).next());
	},
);

t.test("an empty value is not a null one", async (t) => {
	const cursor = new BatchCursor([message({ value: Buffer.alloc(0), key: Buffer.alloc(0) })]);
	cursor.next();
	t.not(cursor.value, null);
	t.not(cursor.key, null);
	t.match(cursor, { valueEnd: 0, keyEnd: 0 });
});

t.test("without headers there is no JSON, and an empty set of them is none", async (t) => {
	t.equal(headersJson(undefined), null);
	t.equal(headersJson({}), null);
});

t.test("values are base64, several of one name an array, and null stays null", async (t) => {
	const headers = {
		one: Buffer.from([0, 255]),
		two: [Buffer.from("a"), Buffer.from("b")],
		text: "plain",
		nothing: null,
	} as unknown as IHeaders;
	t.same(parsed(headers), { one: "AP8=", two: ["YQ==", "Yg=="], text: "cGxhaW4=", nothing: null });
});

t.test("a name loses its U+0000, which jsonb refuses; any other name survives", async (t) => {
	t.same(parsed({ "a\u0000b": Buffer.from("x") }), { "a\ufffdb": "eA==" });
	const hostile = JSON.parse('{"__proto__": 1, "constructor": 1, "\\"quoted\\"": 1}') as IHeaders;
	for (const name of Object.keys(hostile)) hostile[name] = Buffer.from("x");
	const json = Buffer.from(headersJson(hostile)!).toString();
	t.equal(json, '{"__proto__":"eA==","constructor":"eA==","\\"quoted\\"":"eA=="}');
});

t.test("whatever the headers, their bytes can be read back from valid JSON without U+0000", async (t) => {
	const bytes = fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each));
	const value = fc.oneof(bytes, fc.array(bytes));
	fc.assert(
		fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), value, { minKeys: 1 }), (headers) => {
			const json = Buffer.from(headersJson(headers)!).toString("utf8");
			assert.ok(!json.includes("\\u0000"));
			const read = JSON.parse(json) as Record<string, string | string[]>;
			const decoded = (one: string | string[]): unknown =>
				Array.isArray(one) ? one.map((each) => Buffer.from(each, "base64")) : Buffer.from(one, "base64");
			const back = Object.entries(read).map(([name, one]) => [name, decoded(one)]);
			const expected = Object.entries(headers).map(([name, one]) => [name.replaceAll("\0", "\ufffd"), one]);
			assert.deepEqual(new Map(back as []), new Map(expected as []));
		}),
	);
	t.pass("all headers held");
});
