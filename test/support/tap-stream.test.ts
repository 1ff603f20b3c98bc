import t from "tap";
import { digest, type FileResult, TapStream } from "./tap-stream.ts";

function read(text: string): readonly FileResult[] {
	const results: FileResult[] = [];
	const stream = new TapStream((result) => results.push(result));
	for (const line of text.split("\n")) stream.line(line);
	stream.end();
	return results;
}

t.test("the tests at the top of each file are counted, nested ones are not", async (t) => {
	const results = read(`TAP version 14
# Subtest: a.test.js
    # Subtest: one thing is so
        ok 1 - inner
        not ok 2 - inner
    ok 1 - one thing is so # time=7.122ms
    not ok 2 - another fails
      ---
      ok: 1
      ...
    1..2
not ok 1 - a.test.js # time=33.459ms
  ---
  exitCode: 1
  ...

# Subtest: b.test.js
    ok 1
    1..1
ok 2 - b.test.js
1..2
# { total: 3, pass: 2, fail: 1 }`);
	t.match(results, [
		{ file: "a.test.js", passed: 1, failed: 1, skipped: [] },
		{ file: "b.test.js", passed: 1, failed: 0, skipped: [] },
	]);
	t.equal(results.length, 2);
	t.ok(results[0]?.lines.includes("        not ok 2 - inner"), "its lines are kept");
});

t.test("a file that throws, holds no test, or is cut off has failed", async (t) => {
	t.match(read("# Subtest: throws.js\n    1..0 # no tests found\nnot ok 3 - throws.js"), [
		{ passed: 0, failed: 1 },
	]);
	t.match(read("# Subtest: empty.js\n    1..0 # no tests found\nok 3 - empty.js # SKIP"), [
		{ passed: 0, failed: 1 },
	]);
	t.match(read("# Subtest: late.js\n    ok 1 - x\n    1..1\nnot ok 3 - late.js"), [{ passed: 1, failed: 1 }]);
	t.match(read("# Subtest: cut.js\n    ok 1 - x"), [{ passed: 1, failed: 1 }]);
	t.match(read("# Subtest: cut.js\n    ok 1 - x\n# Subtest: next.js\n    ok 1 - y\nok 1 - next.js"), [
		{ file: "cut.js", failed: 1 },
		{ file: "next.js", failed: 0 },
	]);
});

t.test("what is skipped or left to do is named and does not count as passed", async (t) => {
	const [result] = read(
		"# Subtest: a.js\n    ok 1 - later # SKIP\n    not ok 2 - someday # TODO\n    ok 3 - now\nok 1 - a.js",
	);
	t.match(result, { passed: 1, failed: 0 });
	t.equal(result?.skipped.length, 2);
});

t.test("a failed file is told in few lines: what failed, and the last comments", async (t) => {
	const lines = [
		"    # Subtest: it counts",
		"        # seed 7: repeat it with TEST_SEED=7",
		"        ok 1 - fine",
		"        not ok 2 - the halt did not come within 60000 ms",
		"          ---",
		"          stack: |",
		"          ...",
		"        1..2",
		"    # last lines of second (pid 9):",
		'    # {"msg":"stopped"}',
		"    not ok 1 - it counts # time=12.5ms",
		"    # time=69420.727ms",
		"not ok 85 - x.test.js # time=69420.727ms",
	];
	t.same(digest({ file: "x.test.js", lines }, 2), [
		"failed: x.test.js",
		"  not ok: the halt did not come within 60000 ms",
		"  not ok: it counts",
		"  # last lines of second (pid 9):",
		'  # {"msg":"stopped"}',
	]);
});
