import t from "tap";
import { fetchBytes, fetchBytesEach } from "../../../engine/kafka/fetch-size.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

t.test(
	"an answer is four megabytes, of however few partitions, but one of them gives no more than one",
	async (t) => {
		for (const [partitions, kib] of [
			[1, 1_024],
			[4, 1_024],
			[5, 819.2],
			[8, 512],
			[32, 128],
		] as const) {
			t.equal(fetchBytesEach(partitions, 64 * MIB), Math.floor(kib * KIB), `${partitions} partitions`);
		}
	},
);

t.test("many partitions give at least 128 KiB each", async (t) => {
	for (const partitions of [33, 64, 1_000]) t.equal(fetchBytesEach(partitions, 64 * MIB), 128 * KIB);
});

t.test("where little may be in flight, an answer is a sixteenth of that", async (t) => {
	t.equal(fetchBytesEach(1, 32 * MIB), MIB);
	t.equal(fetchBytesEach(1, 8 * MIB), 512 * KIB);
	t.equal(fetchBytesEach(8, 32 * MIB), 256 * KIB);
	t.equal(fetchBytesEach(3, 4 * MIB), 128 * KIB);
});

t.test(
	"with turns one partition brings a megabyte, within an answer as small as the limit wants it",
	async (t) => {
		t.same(fetchBytes(64 * MIB), { request: 4 * MIB, partition: MIB });
		t.same(fetchBytes(32 * MIB), { request: 2 * MIB, partition: MIB });
		t.same(fetchBytes(8 * MIB), { request: 512 * KIB, partition: 512 * KIB });
		t.same(fetchBytes(1_024 * MIB), { request: 4 * MIB, partition: MIB });
	},
);
