import fc from "fast-check";
import { Partitioners } from "kafkajs";
import t from "tap";
import { murmur2, partitionOfKey } from "../../../../perf/support/load/murmur2.ts";
import { seedProperties } from "../../../support/property-seed.ts";

seedProperties(t, 500);

t.test("hashes are those of the Java client", (t) => {
	// From `UtilsTest.testMurmur2` of Apache Kafka.
	const known = { "21": -973932308, foobar: -790332482, "a-little-bit-long-string": -985981536 };
	for (const [key, hash] of Object.entries(known)) {
		const bytes = Buffer.from(key);
		t.equal(murmur2(bytes, 0, bytes.length), hash, key);
	}
	t.end();
});

t.test("a key goes to the partition that kafkajs sends it to, wherever it stands in the bytes", (t) => {
	const partitionOf = Partitioners.DefaultPartitioner();
	fc.assert(
		fc.property(
			fc.uint8Array({ maxLength: 40 }),
			fc.integer({ min: 1, max: 1000 }),
			fc.integer({ min: 0, max: 5 }),
			(key, partitions, before) => {
				const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
					partitionErrorCode: 0,
					partitionId,
					leader: 0,
					replicas: [],
					isr: [],
				}));
				const message = { key: Buffer.from(key), value: null };
				const bytes = Buffer.concat([Buffer.alloc(before, 7), key, Buffer.alloc(3, 9)]);
				const ours = partitionOfKey(bytes, before, before + key.length, partitions);
				return ours === partitionOf({ topic: "t", partitionMetadata, message });
			},
		),
	);
	t.end();
});
