import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import t from "tap";
import { packageRoot, packageVersion } from "../../schema/package-root.ts";

t.test("the root is the folder of our own package.json, whatever folder the build is in", async (t) => {
	t.ok(isAbsolute(packageRoot()));
	const manifest = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
	t.equal(manifest.name, "lottery-engine");
	t.equal(packageVersion(), manifest.version);
	t.match(packageVersion(), /^\d+\.\d+\.\d+/);
});

t.test("files that the compiler does not copy are found from the root", async (t) => {
	t.ok(readFileSync(join(packageRoot(), "data", "events.jsonl")).length > 0);
});
