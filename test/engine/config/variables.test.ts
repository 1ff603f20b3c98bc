import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { definitionOf, VARIABLE_NAMES } from "../../../engine/config/variables.ts";
import { packageRoot } from "../../../schema/package-root.ts";

t.test("every default obeys its own rule", async (t) => {
	for (const name of VARIABLE_NAMES) {
		const { defaultText, parser } = definitionOf(name);
		if (defaultText !== null) t.not(parser.parse(defaultText), undefined, name);
	}
});

t.test("no secret has a flag, since arguments are public", async (t) => {
	for (const name of VARIABLE_NAMES) {
		const { secret, flag } = definitionOf(name);
		if (secret !== undefined) t.equal(flag, undefined, name);
	}
});

t.test("names, aliases and flags are unique", async (t) => {
	const names = VARIABLE_NAMES.flatMap((name) => [name, ...(definitionOf(name).aliases ?? [])]);
	t.equal(new Set(names).size, names.length);
	const flags = VARIABLE_NAMES.flatMap((name) => definitionOf(name).flag?.split(" ")[0] ?? []);
	t.equal(new Set(flags).size, flags.length);
});

t.test(
	".env.example shows every variable once, with its default, its description and its rule",
	async (t) => {
		const example = readFileSync(join(packageRoot(), ".env.example"), "utf8");
		const shown = [...example.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(
			([, name, value]) => [name, value] as const,
		);
		t.strictSame(shown.map(([name]) => name).sort(), [...VARIABLE_NAMES].sort());
		for (const [name = "", value] of shown) {
			const { defaultText, parser, description } = definitionOf(name as (typeof VARIABLE_NAMES)[number]);
			// The number of cores is the machine's own.
			if (name !== "ACTORS") t.equal(value, defaultText ?? "", name);
			t.ok(example.includes(`${description.slice(1)}; it ${parser.rule}.`), `${name}: description and rule`);
		}
	},
);
