import fc from "fast-check";
import t from "tap";
import { placeLabels } from "../../../perf/report/marks.ts";
import { seedProperties } from "../../support/property-seed.ts";

/** As wide as the labels are taken to be. */
const widthOf = (text: string) => text.length * 6.6;

t.test("labels beside each other share a row, close ones get their own", async (t) => {
	const apart = placeLabels(
		[100, 300].map((x) => ({ x, text: "frozen" })),
		50,
		550,
	);
	t.strictSame(
		apart.labels.map(({ row }) => row),
		[0, 0],
	);
	t.equal(apart.rows, 1);
	const close = placeLabels(
		[100, 110].map((x) => ({ x, text: "frozen" })),
		50,
		550,
	);
	t.strictSame(
		close.labels.map(({ row }) => row),
		[0, 1],
	);
	t.notOk(close.numbered);
});

t.test("a label at the end of the plot moves in", async (t) => {
	const [label] = placeLabels([{ x: 548, text: "thawed" }], 50, 550).labels;
	t.ok(label!.left + widthOf("thawed") <= 550);
});

t.test("where texts have no room there are numbers, and a list elsewhere", async (t) => {
	const placed = placeLabels(
		Array.from({ length: 12 }, (_, at) => ({ x: 100 + at * 8, text: "kill -9" })),
		50,
		550,
	);
	t.ok(placed.numbered);
	t.strictSame(
		placed.labels.map(({ text }) => text),
		["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"],
	);
	t.ok(
		placeLabels([{ x: 60, text: "x".repeat(200) }], 50, 550).numbered,
		"and so is a text wider than the plot",
	);
});

t.test("no label covers another, and none leaves the plot", async (t) => {
	seedProperties(t, 300);
	const mark = fc.record({ x: fc.integer({ min: 50, max: 320 }), text: fc.string({ maxLength: 30 }) });
	fc.assert(
		fc.property(fc.array(mark, { maxLength: 15 }), (marks) => {
			const sorted = marks.toSorted((a, b) => a.x - b.x);
			const { labels, rows } = placeLabels(sorted, 50, 320);
			return (
				labels.length === marks.length &&
				labels.every(({ left, text, row }, at) => {
					const right = left + widthOf(text);
					const free = labels.every(
						(other, index) =>
							index === at ||
							other.row !== row ||
							text === "" ||
							other.text === "" ||
							other.left >= right ||
							other.left + widthOf(other.text) <= left,
					);
					return free && left >= 50 && right <= 320.001 && row < rows;
				})
			);
		}),
	);
});

t.test("without marks there is no row", async (t) => {
	t.strictSame(placeLabels([], 50, 550), { rows: 0, labels: [], numbered: false });
});
