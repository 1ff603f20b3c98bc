/** The table of guards must keep up with the source: a guard that is not found any more protects nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../schema/package-root.ts";
import { GUARDS } from "./guards.ts";
import { mutated, occurrences } from "./mutant.ts";

t.test("every guard stands in the source exactly once", async (t) => {
	for (const { name, edits } of GUARDS) {
		for (const { file, find } of edits) {
			const source = readFileSync(join(packageRoot(), file), "utf8");
			t.equal(occurrences(source, find), 1, `${name}: ${file}`);
		}
	}
});

t.test("names are unique, and whatever stays green says why", async (t) => {
	t.equal(new Set(GUARDS.map(({ name }) => name)).size, GUARDS.length);
	for (const { name, simulation, because } of GUARDS)
		t.equal(because === undefined, simulation === "red", name);
});

t.test("a text that is not there, or twice, is refused", async (t) => {
	const edit = { file: "a.ts", find: "x", replace: "$&" };
	t.throws(() => mutated("abc", edit), { message: /0 times/ });
	t.throws(() => mutated("xx", edit), { message: /2 times/ });
	t.equal(mutated("axb", edit), "a$&b");
});
