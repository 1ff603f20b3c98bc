import t from "tap";
import { renderReport } from "../../../perf/report/html.ts";
import { sampleAt, sampleResult } from "./sample-result.ts";

/** Headings of the cards, in their order. */
const plotsOf = (html: string) =>
	[...html.matchAll(/<section class="card"><h2>([^<]*)</g)].map(([, title]) => title);

t.test("a report shows the figures, the plots, the checks and how to repeat it", async (t) => {
	const html = renderReport(sampleResult());
	t.match(html, /^<!doctype html>/);
	t.strictSame(plotsOf(html), [
		"Throughput",
		"Lag",
		"Latency",
		"CPU",
		"Memory",
		"Paused partitions",
		"Open handles",
		"µs/event over partitions",
		"CPU per event",
	]);
	for (const text of [
		"405,123 <small>events/s</small>",
		"0.47",
		"throughput / copy binary: The same rows",
		"512 MiB",
		"Postgres frozen",
		"24 hours equal a recomputation from events",
		"node perf sample --rate 100000",
		"Node 20.20.2",
		"A processor, 2 cores",
		"commit abc1234",
	])
		t.ok(html.includes(text), text);
	t.notMatch(html, /NaN|Infinity|undefined|\[object/);
});

t.test("nothing in it needs a network or a script", async (t) => {
	t.notMatch(renderReport(sampleResult()), /<script|https?:|src=|@import|url\(/i);
});

t.test("it is well formed: each element that is opened is closed in its turn", async (t) => {
	const html = renderReport(sampleResult());
	const open: string[] = [];
	const wrong: string[] = [];
	for (const [tag, end, name, self] of html.matchAll(/<(\/?)([a-z0-9]+)(?:\s[^<>]*?)?(\/?)>/gi)) {
		if (self === "/" || ["meta", "circle"].includes(name!)) continue;
		if (end !== "/") open.push(name!);
		else if (open.pop() !== name) wrong.push(tag);
	}
	t.strictSame(wrong, []);
	t.strictSame(open, []);
});

t.test("whatever a result holds stays text", async (t) => {
	const nasty = `<script>alert(1)</script>"'&\u0007`;
	const base = sampleResult();
	const html = renderReport(
		sampleResult({
			scenario: nasty,
			about: nasty,
			command: nasty,
			settings: { [nasty]: nasty },
			options: { [nasty]: nasty },
			checked: [nasty],
			machine: { ...base.machine, cpu: nasty, kernel: nasty },
			versions: { engine: nasty, commit: nasty, node: nasty, postgres: nasty, kafka: nasty },
			figures: [{ name: nasty, value: 1, unit: nasty, better: null, about: nasty }],
			ratios: [{ name: nasty, value: 1, unit: "ratio", better: null, about: nasty, of: nasty, to: nasty }],
			marks: [{ atSeconds: 3, text: nasty }],
			distributions: base.distributions.map((each) => ({ ...each, name: nasty })),
			curves: base.curves.map((curve) => ({ ...curve, name: nasty, xLabel: nasty, yLabel: nasty })),
		}),
	);
	t.notMatch(html, /<script|alert\(1\)<\/|"'&\?/);
	t.notOk(html.includes("\u0007"));
	t.ok(html.includes("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;?"));
});

t.test("samples without figures, one sample and none at all make no broken plot", async (t) => {
	const unknown = [0, 1, 2].map((at) => sampleAt(at));
	const empty = { distributions: [], curves: [], marks: [], figures: [], ratios: [], checked: [] };
	for (const samples of [[], unknown])
		t.strictSame(plotsOf(renderReport(sampleResult({ ...empty, samples }))), []);
	const one = [sampleAt(4.3, { memoryBytes: 300 * 2 ** 20, engineLag: 0, committed: 5, sent: 5 })];
	const html = renderReport(sampleResult({ ...empty, samples: one }));
	t.strictSame(plotsOf(html), ["Lag", "Memory"], "one sample has no rate");
	t.match(html, / s<\/text>/, "and its axis has a time on it");
	t.notMatch(html, /NaN|Infinity|undefined/);
});

t.test("the engine's limit is drawn once memory comes near it, and not before", async (t) => {
	const peak = (mebibytes: number) =>
		renderReport(
			sampleResult({ samples: [0, 1].map((at) => sampleAt(at, { memoryBytes: mebibytes * 2 ** 20 })) }),
		);
	t.ok(peak(300).includes(">512 MiB</text>"));
	t.ok(peak(700).includes('class="limit"'), "also when it is broken");
	t.notOk(peak(90).includes('class="limit"'));
});

t.test("marks too close for their texts are numbered, and listed", async (t) => {
	const marks = Array.from({ length: 14 }, (_, at) => ({ atSeconds: 5 + at, text: `kill ${at + 1}` }));
	const html = renderReport(sampleResult({ marks }));
	t.match(html, /<ol class="marks"><li>5 s: kill 1<\/li>/);
	t.notMatch(renderReport(sampleResult()), '<ol class="marks">', "two have room");
});

t.test(
	"the figures one asks for first stand beside the main one, whatever their order in the result",
	async (t) => {
		const figure = (name: string) => ({ name, value: 1, unit: "s", better: null, about: name });
		const names = ["main-one", "a", "b", "cpu-engine", "c", "d", "memory-peak", "e"];
		const html = renderReport(sampleResult({ figures: names.map(figure), ratios: [] }));
		const head = html.slice(0, html.indexOf("</header>"));
		const tiles = [...head.matchAll(/<\/b><span>([^<]*)<\/span>/g)].map(([, name]) => name);
		t.strictSame(tiles, ["main one", "memory peak", "cpu engine", "a", "b", "c"]);
	},
);
