import t from "tap";
import { bytes, duration, exactNumber, shortNumber, withUnit } from "../../../perf/report/numbers.ts";

t.test("an axis is labelled in few characters", async (t) => {
	t.strictSame([0, 0.25, 7, 999, 5000, 10_000, 405_123, 999_999, 1_000_000, 2_500_000].map(shortNumber), [
		"0",
		"0.25",
		"7",
		"999",
		"5000",
		"10k",
		"405k",
		"1M",
		"1M",
		"2.5M",
	]);
	t.equal(shortNumber(-20_000), "-20k");
});

t.test("a figure has its unit and no digits that mean nothing", async (t) => {
	t.equal(withUnit(405_123.4, "events/s"), "405,123 events/s");
	t.equal(withUnit(4.5123, "µs/event"), "4.51 µs/event");
	t.equal(withUnit(0.4712, "ratio"), "0.47");
	t.equal(withUnit(512 * 2 ** 20, "bytes"), "512 MiB");
	t.equal(withUnit(7, "count"), "7");
	t.equal(withUnit(190, "s"), "3:10 min");
	t.equal(withUnit(Number.NaN, "ms"), "?");
	t.equal(withUnit(Number.POSITIVE_INFINITY, "ratio"), "?");
});

t.test("bytes and times change their unit as they grow", async (t) => {
	t.strictSame([0, 512, 2048, 300.5 * 2 ** 20, 1.5 * 2 ** 30].map(bytes), [
		"0 B",
		"512 B",
		"2 KiB",
		"301 MiB",
		"1.5 GiB",
	]);
	t.strictSame([0, 0.5, 45, 119, 120, 3661, 7200, 9000].map(duration), [
		"0 s",
		"0.5 s",
		"45 s",
		"119 s",
		"2:00 min",
		"61:01 min",
		"2:00 h",
		"2:30 h",
	]);
});

t.test("nothing is never written as less than nothing", async (t) => {
	t.equal(exactNumber(-0), "0");
	t.equal(exactNumber(1_234_567), "1,234,567");
});
