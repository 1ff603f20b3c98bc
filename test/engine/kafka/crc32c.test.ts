import t from "tap";
import { crc32c } from "../../../engine/kafka/crc32c.ts";

t.test("the checksums of RFC 3720 come out", async (t) => {
	t.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
	t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
	t.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
	t.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
	t.equal(crc32c(Buffer.alloc(0)), 0);
});

t.test("a part of an array has the checksum of that part", async (t) => {
	const bytes = Buffer.from("....123456789..");
	t.equal(crc32c(bytes, 4, 13), 0xe3069283);
	t.equal(crc32c(bytes, 4), crc32c(bytes.subarray(4)));
});
