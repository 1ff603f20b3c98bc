import { join } from "node:path";
import t from "tap";
import { command } from "../../perf/compare.ts";
import type { ScenarioResult } from "../../perf/support/result.ts";
import { realWorld } from "../../perf/support/runner.ts";

const ratio = { name: "engine/copy", unit: "ratio", better: "higher", about: "", of: "a", to: "b" } as const;

function file(value: number, scenario = "drain"): string {
	const result: Partial<ScenarioResult> = {
		format: 1,
		scenario,
		at: "2026-01-01T10:00:00.000Z",
		machine: { cpu: "Slow", cores: 2, memoryBytes: 1, kernel: "6" },
		versions: { engine: "1", commit: "abc", node: "20", postgres: null, kafka: null },
		options: {},
		figures: [],
		ratios: [{ ...ratio, value }],
	};
	return JSON.stringify(result);
}

async function run(...args: string[]) {
	const said: string[] = [];
	const notes: string[] = [];
	const terminal = { note: (line: string) => void notes.push(line), progress: () => {}, close: () => {} };
	const world = {
		...realWorld(new AbortController().signal),
		out: (text: string) => void said.push(text),
		terminal,
	};
	const code = await command.run(args, world);
	return { code, said: said.join("\n"), notes: notes.join("\n") };
}

t.test("a ratio that fell too far ends with exit code 1 and is named last", async (t) => {
	const folder = t.testdir({ "a.json": file(0.4), "b.json": file(0.35), "c.json": file(0.2) });
	const path = (name: string) => join(folder, name);
	t.match(await run(path("a.json"), path("b.json")), { code: 0, said: /engine\/copy .* worse/ });
	t.match(await run(path("a.json"), path("c.json")), {
		code: 1,
		said: /fell from 0.400 to 0.200: 50 % worse.*$/,
	});
	t.match(await run(path("a.json"), path("b.json"), "--tolerance", "0.1"), { code: 1 });
	t.match(await run(path("a.json"), path("c.json"), "--tolerance", "0.6"), { code: 0 });
});

t.test("folders are compared scenario by scenario", async (t) => {
	const folder = t.testdir({
		old: { "a.json": file(0.4), "s.json": file(1, "steady") },
		new: { "a.json": file(0.4), "s.json": file(0.5, "steady"), "x.json": file(1, "extra") },
	});
	const { code, said } = await run(join(folder, "old"), join(folder, "new"));
	t.equal(code, 1);
	t.match(said, /steady: engine\/copy fell/);
	t.notMatch(said, /drain: engine\/copy fell/);
});

t.test("what cannot be compared is a usage error", async (t) => {
	const folder = t.testdir({ "a.json": file(0.4), "s.json": file(1, "steady") });
	const [a, s] = [join(folder, "a.json"), join(folder, "s.json")];
	t.match(await run(a, s), { code: 2, notes: /no scenario in common/ });
	t.match(await run(a), { code: 2, notes: /missing required argument/ });
	t.match(await run(a, join(folder, "none")), { code: 2, notes: /there is no/ });
	t.match(await run(a, a, "--tolerance", "2"), { code: 2, notes: /from 0 to 1/ });
	t.match(await run("--help"), { code: 0, said: /--tolerance/ });
});
