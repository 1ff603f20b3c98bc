import t from "tap";
import { drawPlot } from "../../../perf/report/plot.ts";
import { hasValues, type Plot, type Series, stack } from "../../../perf/report/plot-model.ts";

const series = (name: string, ys: readonly (number | null)[]): Series => ({
	name,
	tone: "blue",
	look: "line",
	points: ys.map((y, x) => ({ x, y })),
});

const plot = (changes: Partial<Plot>): Plot => ({
	title: "Title",
	about: "",
	xAxis: "time",
	xLabel: "",
	unit: "events/s",
	series: [],
	stacked: false,
	limits: [],
	marks: [],
	...changes,
});

const ticksOf = (svg: string) =>
	[...svg.matchAll(/<text class="tick [a-z]+"[^>]*>([^<]*)</g)].map(([, text]) => text);

t.test("a stack is unknown where any of its parts is: a sum of the rest would lie", async (t) => {
	const [lower, upper] = stack([series("a", [1, 2, 3]), series("b", [10, null, 30])]);
	t.strictSame(
		lower!.points.map(({ y }) => y),
		[1, null, 3],
	);
	t.strictSame(
		upper!.points.map(({ y }) => y),
		[11, null, 33],
	);
	t.strictSame(upper!.floor, [1, 0, 3]);
	t.strictSame(stack([]), []);
});

t.test("the pointer is told each part's own value, not where it ends in the stack", async (t) => {
	const svg = drawPlot(
		plot({ stacked: true, unit: "cores", series: [series("a", [1]), series("b", [0.5])] }),
		560,
		170,
	);
	t.match(svg, /<title>0 s\na: 1 cores\nb: 0\.5 cores<\/title>/);
});

t.test("a hole says that it is one", async (t) => {
	t.match(drawPlot(plot({ series: [series("a", [1, null, 3])] }), 560, 170), /<title>1 s\nunknown<\/title>/);
});

t.test("what was measured at few places has its ticks there, unless they would collide", async (t) => {
	const curve = (xs: readonly number[]): Plot =>
		plot({
			xAxis: "log",
			xLabel: "partitions",
			series: [{ ...series("a", []), look: "dots", points: xs.map((x) => ({ x, y: 1 })) }],
		});
	const few = ticksOf(drawPlot(curve([1, 3, 8, 64]), 560, 170));
	t.strictSame(few.slice(-5), ["1", "3", "8", "64", "partitions"]);
	const many = ticksOf(drawPlot(curve(Array.from({ length: 64 }, (_, at) => at + 1)), 560, 170));
	t.strictSame(many.slice(-7), ["1", "2", "5", "10", "20", "50", "partitions"]);
});

t.test("a long run stays a small file", async (t) => {
	const long = plot({
		series: [
			series(
				"a",
				Array.from({ length: 5000 }, (_, at) => at),
			),
		],
	});
	t.ok((drawPlot(long, 560, 170).match(/class="hover"/g) ?? []).length <= 120);
});

t.test("one unit of width is one pixel: a narrow plot has fewer ticks, not smaller ones", async (t) => {
	const minute = plot({
		series: [
			series(
				"a",
				Array.from({ length: 61 }, (_, at) => at),
			),
		],
	});
	const seconds = (width: number) =>
		ticksOf(drawPlot(minute, width, 170)).filter((text) => text!.endsWith(" s"));
	t.strictSame(seconds(560), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
	t.strictSame(seconds(330), ["0 s", "15 s", "30 s", "45 s", "60 s"]);
});

t.test("nothing to draw is known before drawing", async (t) => {
	t.notOk(hasValues(plot({})));
	t.notOk(hasValues(plot({ series: [series("a", [null, null])] })));
	t.ok(hasValues(plot({ series: [series("a", [null, 0])] })), "a zero is a value");
});
