import t from "tap";
import { FlexibleReader, FlexibleWriter } from "../../../engine/kafka/flexible-wire.ts";

const ID = "00112233445566778899aabbccddeeff";

t.test("what is written is read back, whatever its size", async (t) => {
	const long = "é".repeat(10_000);
	const items = Array.from({ length: 300 }, (_, i) => i);
	const writer = new FlexibleWriter();
	writer
		.int8(-1)
		.int32(-5)
		.int64(-(2n ** 62n))
		.uuid(ID)
		.string("")
		.string(long);
	writer.array(items, (item) => writer.int32(item)).noTags();
	const reader = new FlexibleReader(writer.bytes().subarray(1));
	t.same([reader.int32(), reader.int64(), reader.uuid()], [-5, -(2n ** 62n), ID]);
	t.same([reader.string(), reader.string()], ["", long]);
	t.same(
		Array.from({ length: reader.count() }, () => reader.int32()),
		items,
	);
	reader.skipTags();
	t.throws(() => reader.int16(), RangeError, "and then it is over");
});

t.test("absent strings and arrays, and tags nobody knows, are passed over", async (t) => {
	const bytes = Buffer.from([0, 0, 2, 5, 3, 9, 9, 9, 0x80, 0x01, 0, 0, 7]);
	const reader = new FlexibleReader(bytes);
	t.same([reader.string(), reader.count()], [null, 0]);
	reader.skipTags();
	t.equal(reader.int16(), 7);
});

t.test("a message that ends within a field, and a length without an end, are refused", async (t) => {
	t.throws(() => new FlexibleReader(Buffer.from([9, 1, 2])).string(), /ends within a field/);
	t.throws(() => new FlexibleReader(Buffer.alloc(9, 0xff)).count(), /more than five bytes/);
});
