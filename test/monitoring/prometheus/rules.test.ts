/** The rules of Prometheus: valid, proved by promtool, equal to the thresholds, and about metrics that there are. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createMetrics } from "../../../monitoring/metrics.ts";
import { ALERTS, type Alert } from "../../../monitoring/thresholds.ts";
import { packageRoot } from "../../../schema/package-root.ts";
import { engineStatus, NOW_MS } from "../../support/engine-status.ts";
import { parseMetrics } from "../../support/prometheus-text.ts";
import {
	alerts,
	kebab,
	PROMETHEUS_FOLDER,
	readRules,
	ruleTestFiles,
	secondsOf,
	seriesIn,
} from "./rule-files.ts";

const RULES = alerts();
const THRESHOLDS: Readonly<Record<string, Alert>> = ALERTS;

/** Throws when it is not installed: a test that was left out would be green for ever. */
function promtool(...args: string[]): { readonly code: number | null; readonly output: string } {
	const { status, stdout, stderr, error } = spawnSync("promtool", args, {
		cwd: PROMETHEUS_FOLDER,
		encoding: "utf8",
	});
	if (error !== undefined) {
		throw new Error("promtool is missing: apt-get install -y --no-install-recommends prometheus", {
			cause: error,
		});
	}
	return { code: status, output: stdout + stderr };
}

t.test("promtool finds the configuration and every rule valid", async (t) => {
	for (const args of [
		["check", "config", "prometheus.yml"],
		["check", "rules", "recording.rules.yml", "alerts.rules.yml"],
	]) {
		const { code, output } = promtool(...args);
		t.equal(code, 0, output);
	}
});

t.test(
	"promtool sees every alert fire when it should, stay silent when it should not, and resolve",
	async (t) => {
		for (const file of ruleTestFiles()) {
			const { code, output } = promtool("test", "rules", join("tests", file));
			t.equal(code, 0, `${file}: ${output}`);
		}
	},
);

t.test(
	"each alert has a file of tests: looks at which it fires, and others at which it is silent",
	async (t) => {
		t.same([...ruleTestFiles()].sort(), RULES.map(({ name }) => `${kebab(name)}.test.yml`).sort());
		for (const { name } of RULES) {
			const text = readFileSync(join(PROMETHEUS_FOLDER, "tests", `${kebab(name)}.test.yml`), "utf8");
			const cases = text.split(/^ {2}- name: /m).slice(1);
			const looks = (one: string) => [...one.matchAll(/alertname: (\w+)\n\s+exp_alerts:( \[\])?\n/g)];
			const all = cases.flatMap(looks);
			t.ok(
				all.every(([, alert]) => alert === name),
				`only ${name} is looked at`,
			);
			t.ok(
				all.some(([, , none]) => none === undefined),
				`${name} fires`,
			);
			t.ok(
				cases.some((one) => looks(one).every(([, , none]) => none !== undefined)),
				`${name} is silent in a case of its own`,
			);
			const resolves = cases.some((one) => {
				const fired = looks(one).map(([, , none]) => none === undefined);
				return fired.lastIndexOf(true) >= 0 && fired.at(-1) === false;
			});
			t.ok(resolves, `${name} resolves`);
		}
	},
);

t.test(
	"every rule is in the table of thresholds with its duration, severity and figures, and no other",
	async (t) => {
		t.same(RULES.map(({ name }) => name).sort(), Object.keys(ALERTS).sort());
		for (const { name, fields } of RULES) {
			const { forSeconds, severity, conditions } = THRESHOLDS[name]!;
			t.equal(secondsOf(fields["for"]!), forSeconds, `${name}: for`);
			t.equal(fields["severity"], severity, `${name}: severity`);
			const bare = fields["expr"]!.replace(/\{[^}]*\}/g, "");
			const found = [...bare.matchAll(/([\w:]+(?:\(\))?)\s*(==|>=|<=|!=|>|<)\s*(-?[\d.]+)/g)];
			t.same(
				found.map(([, series, comparison, value]) => [series, comparison, Number(value)]),
				conditions.map(({ series, comparison, value }) => [series, comparison, value]),
				`${name}: figures`,
			);
			for (const { why } of conditions) t.not(why, "");
		}
	},
);

t.test("every rule reads series that the engine exports or that another rule records", async (t) => {
	const metrics = createMetrics({ status: () => engineStatus(), now: () => NOW_MS });
	const page = parseMetrics(await metrics.render());
	const exported = new Set(["up"]);
	for (const [name, { type }] of page) {
		if (type === "histogram") for (const suffix of ["_bucket", "_sum", "_count"]) exported.add(name + suffix);
		else exported.add(name);
	}
	const recorded = new Set<string>();
	for (const { kind, name, fields } of [...readRules("recording.rules.yml"), ...RULES]) {
		const series = seriesIn(fields["expr"]!);
		t.ok(series.length > 0, `${name} reads something`);
		for (const one of series) t.ok(exported.has(one) || recorded.has(one), `${name} reads ${one}`);
		if (kind === "record") recorded.add(name);
	}
});

t.test("recording rules are named level:metric:operations, each once", async (t) => {
	const names = readRules("recording.rules.yml").map(({ name }) => name);
	t.equal(new Set(names).size, names.length);
	for (const name of names) t.match(name, /^(job|instance|topic|partition):engine_[a-z0-9_]+:[a-z0-9_]+$/);
});

t.test("every alert says what is wrong, with a figure or a name, and where its page is", async (t) => {
	for (const { name, fields } of RULES) {
		t.match(fields["severity"], /^(page|ticket)$/);
		t.ok(fields["summary"]!.length <= 100, `${name}: the summary is one line`);
		t.match(`${fields["summary"]} ${fields["description"]}`, /\{\{ .*\$(value|labels)/, `${name} names what`);
		t.equal(fields["runbook_url"], `docs/runbooks/${kebab(name)}.md`);
		t.ok(existsSync(join(packageRoot(), fields["runbook_url"]!)), `${name} has its page`);
	}
});

t.test("the limit of the payout ratio is that of the report", async (t) => {
	const report = readFileSync(join(packageRoot(), "schema", "reports", "payout-risk.sql"), "utf8");
	const [, ratio] = /^\\set ratio (\S+)$/m.exec(report) ?? [];
	t.equal(Number(ratio), ALERTS.PayoutRatioHigh.conditions[0].value);
});

t.test("windows of the rules hold several samples at our own interval of scraping", async (t) => {
	const [, interval] =
		/^\s*scrape_interval: (\w+)$/m.exec(readFileSync(join(PROMETHEUS_FOLDER, "prometheus.yml"), "utf8")) ??
		[];
	for (const { name, fields } of readRules("recording.rules.yml")) {
		for (const [, window] of fields["expr"]!.matchAll(/\[(\w+)\]/g)) {
			t.ok(secondsOf(window!) >= 4 * secondsOf(interval!), `${name}: ${window}`);
		}
	}
});
