import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { entryNames, loadEntry } from "../../perf/support/registry.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { environmentFor } from "../support/parts.ts";

const BUILT = fileURLToPath(new URL("../../", import.meta.url));

function perf(...args: string[]) {
	const dist = relative(packageRoot(), BUILT);
	const child = spawnSync(process.execPath, ["perf", "--dist", dist, ...args], {
		cwd: packageRoot(),
		env: environmentFor({}),
		encoding: "utf8",
	});
	return { code: child.status, stdout: child.stdout, stderr: child.stderr };
}

t.test(
	"every scenario and command is found under its own name, says what it is, and has a valid short form",
	async (t) => {
		const names = entryNames();
		for (const wanted of ["drain", "all", "compare", "baseline"]) t.ok(names.includes(wanted), wanted);
		for (const name of names) {
			const entry = await loadEntry(name);
			const described = entry !== null && ("scenario" in entry ? entry.scenario : entry.command);
			if (!described) throw new Error(`${name} is nothing`);
			t.equal(described.name, name);
			t.ok(described.about.length > 10, `${name}: ${described.about}`);
			if (entry === null || !("scenario" in entry)) continue;
			for (const [option, value] of Object.entries(entry.scenario.quick ?? {})) {
				const spec = entry.scenario.options[option];
				t.ok(spec, `${name}: --quick sets ${option}, which is declared`);
				if (spec !== undefined && "min" in spec)
					t.ok(
						Number(value) >= spec.min && Number(value) <= spec.max,
						`${name}: ${option} ${value} is in its range`,
					);
			}
		}
	},
);

t.test("what is no scenario is not looked for elsewhere", async (t) => {
	for (const name of ["main", "support/runner", "../engine/main", "drain.js", "", "DRAIN"])
		t.equal(await loadEntry(name), null, name);
});

t.test("the list names the scenarios, and an unknown one is a usage error that shows it", async (t) => {
	const list = perf("list");
	t.match(list, {
		code: 0,
		stdout: /Scenarios:\n.*drain {2,}reads a full topic.*Commands:\n.*compare/s,
	});
	t.match(perf("drian"), { code: 2, stdout: "", stderr: /There is no scenario "drian"/ });
});
