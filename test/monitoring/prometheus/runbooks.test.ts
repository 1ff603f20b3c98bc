/** The runbooks: a page for each alert, and nothing on it that is not there (series, commands, settings, log lines). */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { VARIABLES } from "../../../engine/config/variables.ts";
import { createProgram } from "../../../engine/program.ts";
import { reportNames } from "../../../engine/sink/report.ts";
import { createMetrics } from "../../../monitoring/metrics.ts";
import { packageRoot } from "../../../schema/package-root.ts";
import { engineStatus, NOW_MS } from "../../support/engine-status.ts";
import { parseMetrics } from "../../support/prometheus-text.ts";
import { alerts, kebab, readRules, seriesIn } from "./rule-files.ts";
import { RUNBOOKS_FOLDER, runbookPages } from "./runbook-pages.ts";

const PAGES = runbookPages();
const INDEX = readFileSync(join(RUNBOOKS_FOLDER, "README.md"), "utf8");

const SECTIONS = [
	"What it means",
	"What the business sees",
	"What to look at",
	"What to do",
	"When to escalate",
];

t.test("each alert has its page, and each page its alert", async (t) => {
	const rules = alerts();
	t.same(
		PAGES.map(({ name }) => name),
		rules.map(({ name }) => kebab(name)).sort(),
	);
	for (const { name, fields } of rules) {
		const page = PAGES.find((one) => one.name === kebab(name));
		t.match(page?.text, new RegExp(`^# ${name}\n`), `${name} is the title`);
		const sections = [...(page?.text.matchAll(/^## (.+)$/gm) ?? [])].map(([, title]) => title);
		t.same(sections, SECTIONS, `${name} has every section, in order`);
		t.match(INDEX, `| [${name}](${kebab(name)}.md) | ${fields["severity"]} |`, `${name} is in the index`);
		for (const language of ["promql", "sql"] as const) {
			t.ok(page!.blocks(language).length > 0, `${name} has ${language} to look with`);
		}
	}
});

t.test("every PromQL block is valid and reads series that there are", async (t) => {
	const metrics = createMetrics({ status: () => engineStatus(), now: () => NOW_MS });
	const known = new Set(["up", ...readRules("recording.rules.yml").map(({ name }) => name)]);
	for (const [name, { type }] of parseMetrics(await metrics.render())) {
		known.add(name);
		if (type === "histogram") for (const suffix of ["_bucket", "_sum", "_count"]) known.add(name + suffix);
	}
	const queries = PAGES.flatMap(({ name, blocks }) => blocks("promql").map((query) => ({ name, query })));
	for (const { name, query } of queries) {
		for (const series of seriesIn(query)) t.ok(known.has(series), `${name} reads ${series}`);
	}
	const rules = queries.map(({ query }, i) => ({ record: `query:${i}`, expr: query }));
	// JSON is YAML.
	const folder = t.testdir({ "queries.yml": JSON.stringify({ groups: [{ name: "queries", rules }] }) });
	const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", join(folder, "queries.yml")], {
		encoding: "utf8",
	});
	t.equal(status, 0, stdout + stderr);
});

/** `node engine report lag -v limit=20` and the like, in blocks and in sentences. */
function commandsIn(text: string): readonly string[] {
	return [...text.matchAll(/\bnode engine ([a-z][^`\n|]*)/g)].map(([, rest]) => rest!.trim());
}

t.test("every command is one of ours, with options that it has", async (t) => {
	const { program } = createProgram();
	const commands = PAGES.flatMap(({ text }) => commandsIn(text)).concat(commandsIn(INDEX));
	t.ok(commands.length > PAGES.length);
	for (const line of commands) {
		const [name = "", ...words] = line.split(/\s+/);
		const command = program.commands.find((one) => one.name() === name);
		t.ok(command !== undefined, `node engine ${name} exists`);
		const options = command?.options.flatMap(({ short, long }) => [short, long]);
		for (const word of words.filter((one) => one.startsWith("-"))) {
			t.ok(options?.includes(word), `node engine ${name} has ${word}`);
		}
		if (name === "report")
			t.ok((await reportNames()).includes(words[0] ?? "hourly"), `there is a report ${words[0]}`);
	}
});

t.test("every setting that a page names is one of ours", async (t) => {
	for (const { name, text } of PAGES) {
		for (const [, setting] of text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)\b/g)) {
			t.ok(setting! in VARIABLES, `${name} names ${setting}`);
		}
	}
});

t.test("every log line and every reason of readyz stands in the engine's source", async (t) => {
	const folder = join(packageRoot(), "engine");
	const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((file) => file.endsWith(".ts"))
		// The watchdog has one sentence for both whom it asks.
		.map((file) => readFileSync(join(folder, file), "utf8").replace(/\$\{who\}/g, "Postgres"));
	const lines = PAGES.flatMap(({ name, text, blocks }) => {
		const logged = blocks("log").flatMap((block) => block.split("\n"));
		const reasons = [...text.matchAll(/^\| `([^`]+…[^`]*|has not[^`]+|recovering[^`]+)` \|/gm)];
		return [...logged, ...reasons.map(([, reason]) => reason!)].map((line) => ({ name, line }));
	});
	t.ok(lines.length > 20);
	for (const { name, line } of lines.filter(({ line }) => !/^\w\w…$/.test(line))) {
		const parts = line.split("…").map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
		const pattern = new RegExp(parts.filter((part) => part !== "").join("[\\s\\S]{0,100}"));
		t.ok(
			sources.some((source) => pattern.test(source)),
			`${name}: ${line}`,
		);
	}
});

t.test("links lead somewhere", async (t) => {
	for (const { name, text } of [...PAGES, { name: "README", text: INDEX }]) {
		for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
			t.ok(existsSync(join(RUNBOOKS_FOLDER, target!)), `${name} links ${target}`);
		}
	}
});
