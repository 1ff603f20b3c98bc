import t from "tap";
import { binaryArray, OID } from "../../../engine/sink/binary-array.ts";

/** The elements of one dimension, as array_recv of Postgres reads them. */
function read(array: Buffer) {
	const dimensions = array.readInt32BE(0);
	const hasNulls = array.readInt32BE(4);
	const elementOid = array.readInt32BE(8);
	if (dimensions === 0) return { hasNulls, elementOid, elements: [], rest: array.length - 12 };
	const count = array.readInt32BE(12);
	const lowerBound = array.readInt32BE(16);
	const elements: Buffer[] = [];
	let at = 20;
	for (let i = 0; i < count; i++) {
		const length = array.readInt32BE(at);
		elements.push(array.subarray(at + 4, at + 4 + length));
		at += 4 + length;
	}
	return { dimensions, hasNulls, elementOid, lowerBound, elements, rest: array.length - at };
}

function element(bytes: Uint8Array): Buffer {
	const length = Buffer.alloc(4);
	length.writeInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
}

t.test("elements of several actors become one array with one header", async (t) => {
	const ids = ["", "a", "user_13", "é𝔘"].map((id) => Buffer.from(id));
	const chunks = [Buffer.concat(ids.slice(0, 3).map(element)), Buffer.alloc(0), element(ids[3]!)];
	const found = read(binaryArray(OID.text, 4, chunks));
	t.match(found, { dimensions: 1, hasNulls: 0, elementOid: 25, lowerBound: 1, rest: 0 });
	t.same(found.elements.map(String), ["", "a", "user_13", "é𝔘"]);
});

t.test("an empty array has no dimensions, and still its type", async (t) => {
	const empty = binaryArray(OID.timestamptz, 0, [new Uint8Array(0)]);
	t.same(read(empty), { hasNulls: 0, elementOid: 1184, elements: [], rest: 0 });
	t.equal(empty.length, 12);
});

t.test("numbers of eight bytes stay as they are", async (t) => {
	const bytes = Buffer.alloc(8);
	bytes.writeBigInt64BE(-(2n ** 62n));
	const [found] = read(binaryArray(OID.int8, 1, [element(bytes)])).elements;
	t.equal(found?.readBigInt64BE(), -(2n ** 62n));
});
