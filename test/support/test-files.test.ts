import t from "tap";
import { compiledPath, groupOf, listTestFiles, sourceNamed } from "./test-files.ts";

t.test("test files are found in all folders and sorted into groups", async (t) => {
	const root = t.testdir({
		test: {
			"top.test.ts": "",
			engine: { deep: { "ledger.test.ts": "", "helper.ts": "" } },
			promises: { "i1.test.ts": "" },
			support: { "parts.ts": "" },
		},
	});
	t.same(listTestFiles(root), [
		{ source: "test/engine/deep/ledger.test.ts", group: "unit" },
		{ source: "test/promises/i1.test.ts", group: "integration" },
		{ source: "test/top.test.ts", group: "unit" },
	]);
});

t.test("what needs the real servers is integration", async (t) => {
	for (const folder of ["integration", "promises", "faults", "contract", "chaos"])
		t.equal(groupOf(`test/${folder}/x.test.ts`), "integration");
	for (const path of ["test/simulation/x.test.ts", "test/engine/integration/x.test.ts"])
		t.equal(groupOf(path), "unit", path);
});

t.test("what measures is a group of its own, and the tests of its parts are not", async (t) => {
	t.equal(groupOf("test/perf/baseline/gate.test.ts"), "perf");
	t.equal(groupOf("test/perf/support/compare.test.ts"), "unit");
});

t.test("a file may be named by its source or by what was built of it", async (t) => {
	const names = [
		"test/a.test.ts",
		"dist/test/a.test.js",
		"/p/dist/test/a.test.js",
		"/p/test/a.test.ts",
		"./test/a.test.ts",
	];
	for (const name of names) t.equal(sourceNamed(name, "/p", "/p", "/p/dist"), "test/a.test.ts", name);
	t.equal(sourceNamed("a.test.ts", "/p/test", "/p", "/p/dist"), "test/a.test.ts");
	t.equal(compiledPath("test/a.test.ts", "/p/dist"), "/p/dist/test/a.test.js");
});
