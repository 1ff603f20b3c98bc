import fc from "fast-check";
import t from "tap";
import { crc32c } from "../../../../engine/kafka/crc32c.ts";
import { joinCrc32c, shiftOf } from "../../../../perf/support/load/crc32c-join.ts";
import { seedProperties } from "../../../support/property-seed.ts";

seedProperties(t, 300);

t.test("the checksum of two pieces is that of the whole", (t) => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 3000 }), (first, second) => {
			const joined = joinCrc32c(crc32c(first), crc32c(second), shiftOf(second.length));
			return joined === crc32c(Buffer.concat([first, second]));
		}),
	);
	t.end();
});

t.test("also of a large second piece", (t) => {
	const first = Buffer.from("header");
	const second = Buffer.alloc(1_234_567, 0x5a);
	const joined = joinCrc32c(crc32c(first), crc32c(second), shiftOf(second.length));
	t.equal(joined, crc32c(Buffer.concat([first, second])));
	t.end();
});
