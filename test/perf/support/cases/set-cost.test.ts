import t from "tap";
import { setCosts, type WriterUsage } from "../../../../perf/support/cases/set-cost.ts";

/** Readings of every minute; each pair is CPU seconds and sets so far. */
const readings = (...pairs: readonly (readonly [number, number])[]): WriterUsage[] =>
	pairs.map(([backendCpuSeconds, sets], i) => ({ atSeconds: i * 60, backendCpuSeconds, sets }));

t.test("a set that costs more and more is told as a curve, and as how much more", async (t) => {
	const { curves, figures } = setCosts(readings([1, 0], [2, 1000], [4, 2000], [7, 3000]));
	t.same(curves[0]?.points, [
		{ x: 1, y: 1 },
		{ x: 2, y: 2 },
		{ x: 3, y: 3 },
	]);
	t.match(figures, [{ name: "set-cost-growth", value: 2 }]);
	t.match(figures[0]?.about, /1\.00 and 3\.00 ms over 3000 sets/);
});

t.test("what lies across a new connection, or holds no set, is left out", async (t) => {
	const { curves } = setCosts(readings([5, 0], [6, 1000], [1, 2000], [2, 3000], [3, 3000]));
	t.same(
		curves[0]?.points.map(({ x }) => x),
		[1, 3],
	);
});

t.test("without two stretches there is nothing to say", async (t) => {
	t.same(setCosts([]), { curves: [], figures: [] });
	t.same(setCosts(readings([1, 0], [2, 10])), { curves: [], figures: [] });
});
