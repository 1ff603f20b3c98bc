import t from "tap";
import { linearScale, logScale, pixel } from "../../../perf/report/scale.ts";

t.test("a linear scale maps its ends to its ends, either way round", async (t) => {
	const down = linearScale(0, 10, 200, 0);
	t.strictSame([down.at(0), down.at(5), down.at(10)], [200, 100, 0]);
});

t.test("a logarithmic scale gives each factor the same way", async (t) => {
	const scale = logScale(1, 1000, 0, 300);
	t.strictSame(
		[1, 10, 100, 1000].map((value) => Math.round(scale.at(value))),
		[0, 100, 200, 300],
	);
});

t.test("nothing is drawn outside of the axis", async (t) => {
	const scale = linearScale(0, 10, 0, 100);
	t.strictSame([scale.at(-5), scale.at(50)], [0, 100]);
	t.equal(logScale(1, 10, 0, 100).at(0), 0, "nor is a 0 that has no logarithm");
});

t.test("a range of one value is drawn in its middle", async (t) => {
	t.equal(linearScale(5, 5, 0, 100).at(5), 50);
});

t.test("pixels have one digit behind the point", async (t) => {
	t.equal(pixel(12.3456), "12.3");
	t.equal(pixel(12), "12");
});
