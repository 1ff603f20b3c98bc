import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readBaseline, writeBaseline } from "../../../perf/support/baseline.ts";
import type { ScenarioResult } from "../../../perf/support/result.ts";
import { readResults, saveResult } from "../../../perf/support/result-files.ts";

function result(scenario: string, at: string): ScenarioResult {
	return {
		format: 1,
		scenario,
		about: "made up",
		at,
		command: `node perf ${scenario}`,
		machine: { cpu: "Slow", cores: 2, memoryBytes: 1, kernel: "6" },
		versions: { engine: "1", commit: null, node: "20", postgres: null, kafka: null },
		options: {},
		settings: {},
		figures: [{ name: "throughput", value: 1, unit: "events/s", better: "higher", about: "" }],
		ratios: [],
		distributions: [],
		samples: [],
		marks: [],
		curves: [],
		checked: ["all"],
	};
}

t.test("a result is written as JSON and as a report, and read again", async (t) => {
	const folder = t.testdir();
	const one = result("drain", "2026-01-01T10:00:00.000Z");
	const { json, html } = saveResult(one, folder);
	t.strictSame(readResults(json), [one]);
	t.match(readFileSync(html, "utf8"), /^<!doctype html>/i);
});

t.test("of a folder the newest of each scenario counts, and older formats are passed by", async (t) => {
	const folder = t.testdir({
		"drain-2025.json": JSON.stringify({ scenario: "drain", at: "2027", runs: [] }),
		"broken.json": "{",
		"notes.txt": "{}",
	});
	t.throws(() => readResults(folder), /there is no result in/);
	for (const at of ["2026-01-01T10:00:00.000Z", "2026-01-03T10:00:00.000Z", "2026-01-02T10:00:00.000Z"])
		saveResult(result("drain", at), folder);
	saveResult(result("steady", "2026-01-01T10:00:00.000Z"), folder);
	const found = readResults(folder).map(({ scenario, at }) => [scenario, at.slice(0, 10)]);
	t.strictSame(found.sort(), [
		["drain", "2026-01-03"],
		["steady", "2026-01-01"],
	]);
});

t.test("what is no result is refused by its path", async (t) => {
	const folder = t.testdir({ "a.json": "{}" });
	t.throws(() => readResults(join(folder, "a.json")), /a\.json is no result/);
	t.throws(() => readResults(join(folder, "b.json")), /there is no .*b\.json/);
});

t.test("a baseline keeps what is compared and nothing that only fills it", async (t) => {
	const path = join(t.testdir(), "baseline.json");
	t.throws(() => readBaseline(path), /node perf baseline/);
	writeBaseline([result("drain", "2026-01-01T10:00:00.000Z")], path);
	const [kept] = readBaseline(path);
	t.match(kept, { scenario: "drain", command: "node perf drain", machine: { cpu: "Slow" }, at: /^2026/ });
	t.notOk(Object.hasOwn(kept!, "samples"));
});

t.test("a baseline of another format is refused", async (t) => {
	const folder = t.testdir({ "baseline.json": JSON.stringify({ format: 2, results: [] }) });
	t.throws(() => readBaseline(join(folder, "baseline.json")), /no baseline of this format/);
});
