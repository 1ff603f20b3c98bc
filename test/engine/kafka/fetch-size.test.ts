import t from "tap";
import { fetchBytesEach } from "../../../engine/kafka/fetch-size.ts";

const KIB = 1024;

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
			t.equal(fetchBytesEach(partitions), Math.floor(kib * KIB), `${partitions} partitions`);
		}
	},
);

t.test("many partitions give at least 128 KiB each", async (t) => {
	for (const partitions of [33, 64, 1_000]) t.equal(fetchBytesEach(partitions), 128 * KIB);
});
