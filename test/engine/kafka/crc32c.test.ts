import { randomBytes } from "node:crypto";
import t from "tap";
import { crc32c, nativeCrc32c, plainCrc32c } from "../../../engine/kafka/crc32c.ts";

for (const [name, checksum] of [
	["the one in use", crc32c],
	["plain JavaScript", plainCrc32c],
] as const) {
	t.test(`${name}: the checksums of RFC 3720 come out`, async (t) => {
		t.equal(checksum(Buffer.from("123456789")), 0xe3069283);
		t.equal(checksum(Buffer.alloc(32)), 0x8a9136aa);
		t.equal(checksum(Buffer.alloc(32, 0xff)), 0x62a8ab43);
		t.equal(checksum(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
		t.equal(checksum(Buffer.alloc(0)), 0);
	});

	t.test(`${name}: a part of an array has the checksum of that part`, async (t) => {
		const bytes = Buffer.from("....123456789..");
		t.equal(checksum(bytes, 4, 13), 0xe3069283);
		t.equal(checksum(bytes, 4), checksum(bytes.subarray(4)));
		const noise = randomBytes(1_000);
		for (let from = 0; from < 20; from++) t.equal(checksum(noise, from), plainCrc32c(noise.subarray(from)));
	});
}

t.test("a native part that is absent, or made for another processor, is not used", async (t) => {
	const absent = (): never => {
		throw new Error("Cannot find native binding");
	};
	t.equal(nativeCrc32c(absent), null);
	t.equal(
		nativeCrc32c(() => ({ crc32c: () => 1 })),
		null,
	);
	const native = nativeCrc32c(() => ({ crc32c: (bytes: Uint8Array) => plainCrc32c(bytes) }));
	t.equal(native?.(Buffer.from("..123456789"), 2), 0xe3069283, "one that is right is");
});
