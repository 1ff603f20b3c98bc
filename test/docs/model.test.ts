/** The small rows of docs/model/runs.txt: the protocol holds, and each guard that it needs breaks it when taken away. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";

interface Result {
	readonly id: string;
	readonly says: string;
	readonly expect: string;
	readonly got: string;
	readonly states: number;
	readonly violated: string;
}

interface Run {
	readonly code: number | null;
	readonly output: string;
	readonly errors: string;
}

/** Compiling the checkers is most of it: half a minute on two idle cores, much more on busy ones. */
const RUN_MS_MAX = 280_000;
t.setTimeout(RUN_MS_MAX);

const folder = join(packageRoot(), "docs/model");

async function runModel(options: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Run> {
	const child = spawn(process.execPath, [join(folder, "run.js"), ...options], {
		env,
		stdio: ["ignore", "pipe", "pipe"],
	});
	const code = new Promise<number | null>((resolve) => child.on("close", resolve));
	const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
	return { code: await code, output, errors };
}

t.test("the protocol, within small bounds", async (t) => {
	const { code, output, errors } = await runModel(["--small", "--json"]);
	t.equal(errors, "", "nothing is missing and nothing broke");
	const results = output.split("\n").filter((line) => line !== "");
	for (const result of results.map((line): Result => JSON.parse(line))) {
		await t.test(result.says, async (t) => {
			t.equal(result.got, result.expect, `${result.id}: ${result.violated || `${result.states} states`}`);
			t.ok(result.states > 3, "states were visited");
		});
	}
	const rows = readFileSync(join(folder, "runs.txt"), "utf8").match(/^\w+ \| small \|/gm) ?? [];
	t.equal(results.length, rows.length, "every small row was run");
	t.equal(code, 0);
});

t.test("a row that ends in another way than its table says is a failure", async (t) => {
	const line = "X1 | small | locks | holds | safety | ROWS | -DFREEZE=0 | rows in any order";
	const table = join(t.testdir({ "runs.txt": line }), "runs.txt");
	const { code, output } = await runModel(["--table", table]);
	t.equal(code, 1);
	t.match(output, "UNEXPECTED, should be: holds");
});

t.test("a row that names a guard its model does not have is refused", async (t) => {
	const line = "X1 | small | locks | holds | safety | ROSW | -DFREEZE=0 | a misspelt guard";
	const table = join(t.testdir({ "runs.txt": line }), "runs.txt");
	const { code, errors } = await runModel(["--table", table]);
	t.equal(code, 1);
	t.match(errors, "locks.pml has no guard ROSW");
});

t.test("a machine without Spin is told the one command, and fails", async (t) => {
	const { code, errors } = await runModel(["--small"], { PATH: t.testdir({}) });
	t.equal(code, 1);
	t.match(errors, "Spin and gcc");
	t.match(errors, "apt-get install -y spin gcc libc6-dev");
});
