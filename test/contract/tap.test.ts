/** tap, as test/run.js and the helpers use it. No Kafka, no Postgres. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";
import { environmentFor } from "../support/parts.ts";

/** Compiled beside this file, in the output folder that tap would leave out if it looked for files by itself. */
const FIXTURE = fileURLToPath(new URL("../support/tap-fixture.js", import.meta.url));

t.test("a compiled file that is named is run, though tap by itself leaves output folders out", async (t) => {
	const manifest = createRequire(import.meta.url).resolve("tap/package.json");
	const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: { tap: string } };
	const { stdout } = await promisify(execFile)(
		process.execPath,
		[
			join(dirname(manifest), bin.tap),
			"run",
			"--disable-coverage",
			"--reporter=tap",
			"--timeout=60",
			FIXTURE,
		],
		{ cwd: packageRoot(), env: environmentFor({}) },
	);
	t.match(stdout, /^ +ok 1 - NODE_OPTIONS/m);
	t.match(stdout, /^1\.\.1$/m);
	t.match(stdout, /NODE_OPTIONS is .*--import.*tapjs/s, "its loaders go into every process a test starts");
});

t.test("environmentFor takes away what tap has put into the environment", async (t) => {
	const before = process.env["NODE_OPTIONS"];
	process.env["NODE_OPTIONS"] = "--no-deprecation";
	t.teardown(() => {
		if (before === undefined) delete process.env["NODE_OPTIONS"];
		else process.env["NODE_OPTIONS"] = before;
	});
	t.notOk("NODE_OPTIONS" in environmentFor({}));
});

t.test("teardown handlers run last first, and one waits for the other", async (t) => {
	const order: string[] = [];
	await t.test("with two of them", async (inner) => {
		inner.teardown(() => void order.push("registered first"));
		inner.teardown(async () => {
			await new Promise((resolve) => setTimeout(resolve, 20));
			order.push("registered last");
		});
		inner.pass();
	});
	t.same(
		order,
		["registered last", "registered first"],
		"an engine is stopped before its database is dropped",
	);
});
