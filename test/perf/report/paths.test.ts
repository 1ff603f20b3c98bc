import t from "tap";
import { areaPath, knownRuns, linePath } from "../../../perf/report/paths.ts";

const points = [
	{ x: 0, y: 1 },
	{ x: 1, y: 2 },
	{ x: 2, y: null },
	{ x: 3, y: 4 },
	{ x: 4, y: null },
];

t.test("what is unknown is a hole in the line", async (t) => {
	t.equal(linePath(points), "M0 1L1 2M3 4h0", "and a point alone is a dot");
	t.equal(linePath([]), "");
	t.equal(linePath([{ x: 0, y: null }]), "");
	t.equal(knownRuns(points).length, 2);
});

t.test("an area has the same holes, and stands on what is below it", async (t) => {
	const area = points.map((point) => ({ ...point, base: 9 }));
	t.equal(areaPath(area), "M0 1 1 2 1 9 0 9zM2 4 4 4 4 9 2 9z");
});
