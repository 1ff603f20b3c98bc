/** The dashboards as files: made from their source, complete, in the colours of the alerts, and about series that there are. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { businessDashboard } from "../../monitoring/grafana/source/business-dashboard.ts";
import { engineDashboard } from "../../monitoring/grafana/source/engine-dashboard.ts";
import { createMetrics } from "../../monitoring/metrics.ts";
import { ALERTS, type Alert } from "../../monitoring/thresholds.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { engineStatus, NOW_MS } from "../support/engine-status.ts";
import { expandPromql, expandSql, type QueryScope, variablesIn } from "../support/grafana-query.ts";
import { parseMetrics } from "../support/prometheus-text.ts";
import {
	colorOf,
	DASHBOARDS,
	type GrafanaPanel,
	initialVariables,
	panelsOf,
	readDashboard,
} from "./grafana-files.ts";
import { kebab, readRules, seriesIn } from "./prometheus/rule-files.ts";

const ALL = DASHBOARDS.map((name) => ({ name, dashboard: readDashboard(name) }));
const THRESHOLDS: Readonly<Record<string, Alert>> = ALERTS;
/** Units of Grafana's list that we use; others are added here when they are looked up there. */
const UNITS = ["none", "s", "cps", "locale", "percentunit", "bytes", "Bps", "dateTimeAsIso"];
const ALARMS = ["red", "orange"];

function scopeOf(dashboard: ReturnType<typeof readDashboard>): QueryScope {
	const times = { fromMs: NOW_MS - 3_600_000, toMs: NOW_MS, intervalMs: 15_000, scrapeIntervalMs: 5_000 };
	return { ...times, variables: initialVariables(dashboard) };
}

/** Names of the alerts whose runbook a panel links. */
function alertsLinked({ links = [] }: GrafanaPanel): readonly string[] {
	return links.map(({ title }) => title.replace(/^Runbook /, ""));
}

t.test("what is committed is what the source makes", async (t) => {
	const made = { engine: engineDashboard(), business: businessDashboard() };
	for (const { name, dashboard } of ALL) {
		t.same(dashboard, JSON.parse(JSON.stringify(made[name])), `${name}.json: run \`npm run dashboards\``);
	}
});

t.test("addresses stay: uids, which the dashboards link each other by", async (t) => {
	t.same(
		ALL.map(({ dashboard }) => [dashboard.title, dashboard.uid]),
		[
			["Engine", "lottery-engine"],
			["Business", "lottery-business"],
		],
	);
	const addresses = ALL.map(({ dashboard }) => `/d/${dashboard.uid}`);
	for (const { dashboard } of ALL) {
		t.ok(dashboard.schemaVersion >= 39 && dashboard.schemaVersion <= 41, "versions 12 and 13 import it");
		t.equal(dashboard.editable, false);
		t.ok(dashboard.links.length > 0);
		for (const { url } of dashboard.links) t.ok(addresses.includes(url), `${url} is one of ours`);
	}
});

t.test("panels have numbers of their own, fill their lines and lie beside each other", async (t) => {
	for (const { name, dashboard } of ALL) {
		const ids = dashboard.panels.map(({ id }) => id);
		t.equal(new Set(ids).size, ids.length, `${name}: each id once`);
		const taken = new Set<string>();
		for (const { title, gridPos } of dashboard.panels) {
			t.ok(gridPos.x + gridPos.w <= 24, `${title} is on the page`);
			for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
				for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
					const cell = `${x} ${y}`;
					if (taken.has(cell)) t.fail(`${title} covers another panel at ${cell}`);
					taken.add(cell);
				}
			}
		}
		const height = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
		t.equal(taken.size, 24 * height, `${name} has no holes`);
	}
});

t.test("rows are questions or topics, in the order in which people ask", async (t) => {
	const rows = ALL.map(({ dashboard }) => dashboard.panels.filter(({ type }) => type === "row"));
	t.same(
		rows.map((row) => row.map(({ title }) => title)),
		[
			["Is it healthy?", "Where is the delay?", "What is bad?", "What does it take?", "What to do?"],
			[
				"What does the business see? The newest 24 hours",
				"Hour by hour",
				"Rolling 24 hours",
				"Day by day, in the chosen zone",
				"Can the figures be trusted?",
			],
		],
	);
});

t.test("every panel says what it is, in which unit, and asks the chosen source", async (t) => {
	for (const { name, dashboard } of ALL) {
		const titles = panelsOf(dashboard).map(({ title }) => title);
		t.equal(new Set(titles).size, titles.length, `${name}: each title once`);
		for (const panel of panelsOf(dashboard)) {
			t.match(
				panel.description,
				/^[A-Z0-9].{20,}\.$/s,
				`${panel.title} has a description of whole sentences`,
			);
			if (panel.type === "text") continue;
			const overridden = panel.fieldConfig!.overrides.flatMap(({ properties }) => properties);
			for (const unit of [
				panel.fieldConfig!.defaults.unit,
				...overridden.filter(({ id }) => id === "unit").map(({ value }) => value as string),
			]) {
				t.ok(UNITS.includes(unit), `${panel.title}: ${unit} is a unit`);
			}
			t.ok(panel.targets!.length > 0, `${panel.title} asks something`);
			for (const target of panel.targets!) {
				t.equal(target.datasource.uid, `\${datasource}`, panel.title);
				t.same(target.datasource, panel.datasource, panel.title);
			}
		}
	}
});

t.test(
	"numbers and tables are asked for this moment, so that they do not outlive their engine",
	async (t) => {
		for (const { type, title, targets = [], options } of panelsOf(readDashboard("engine"))) {
			for (const { instant } of targets) t.equal(instant, type !== "timeseries", title);
			if (type === "stat") t.equal(options?.["graphMode"], "none", title);
		}
	},
);

t.test("every variable is used, and what is used is a variable", async (t) => {
	for (const { name, dashboard } of ALL) {
		const { templating, ...rest } = dashboard;
		const declared = templating.list.map(({ name }) => name);
		const used = variablesIn(
			JSON.stringify(rest) + JSON.stringify(templating.list.map(({ query }) => query)),
		);
		const inLegends = JSON.stringify(rest).match(/\{\{(\w+)\}\}/g) ?? [];
		t.same([...used].sort(), [...declared].sort(), `${name}: ${inLegends.length} legends aside`);
		for (const { name, label } of templating.list) t.ok(label.length > 0, `${name} has a label`);
	}
});

t.test("every alert has a panel in its colour, with the series and the figure of its rule", async (t) => {
	const panels = panelsOf(readDashboard("engine"));
	for (const [alert, { conditions, severity }] of Object.entries(THRESHOLDS)) {
		const showing = panels.filter((panel) => {
			if (!alertsLinked(panel).includes(alert)) return false;
			const read = panel.targets!.flatMap(({ expr = "" }) => seriesIn(expr));
			return conditions.some(({ series, comparison, value }) => {
				if (!read.includes(series)) return false;
				const below = (limit: number) => limit - Math.max(limit, 1) / 1000;
				const isAlarm = (at: number) => colorOf(panel, at) === (severity === "page" ? "red" : "orange");
				if (comparison === "==") return isAlarm(value) && !isAlarm(1 - value);
				// Above 0, the least that counts is less than one event, second or percent more.
				const first = value === 0 ? 1 : value;
				return isAlarm(first) && !isAlarm(value === 0 ? 0 : below(value));
			});
		});
		t.ok(showing.length > 0, `${alert} is shown by ${showing.map(({ title }) => `"${title}"`).join(", ")}`);
		for (const panel of showing) {
			t.match(
				panel.description,
				`${alert} ${severity === "page" ? "pages" : "opens a ticket"} when`,
				panel.title,
			);
		}
	}
});

t.test("no panel is red or orange at a figure that is not an alert's", async (t) => {
	for (const { dashboard } of ALL) {
		for (const panel of panelsOf(dashboard).filter(({ type }) => type !== "text")) {
			const steps = panel.fieldConfig!.defaults.thresholds.steps;
			if (!steps.some(({ color }) => ALARMS.includes(color))) continue;
			const figures = alertsLinked(panel).flatMap((alert) =>
				THRESHOLDS[alert]!.conditions.map(({ value }) => value),
			);
			for (const { value } of steps) {
				const isFirst = value !== null && value > 0 && value <= 1 && figures.includes(0);
				t.ok(value === null || figures.includes(value) || isFirst, `${panel.title}: ${value}`);
			}
		}
	}
	const business = panelsOf(readDashboard("business"));
	const ratios = business.filter((panel) => alertsLinked(panel).includes("PayoutRatioHigh"));
	const limit = ALERTS.PayoutRatioHigh.conditions[0].value;
	t.ok(ratios.length >= 3);
	for (const panel of ratios) {
		const sql = panel.targets!.map(({ rawSql }) => rawSql).join();
		const hasLimit = panel.fieldConfig!.defaults.thresholds.steps.some(({ value }) => value === limit);
		t.ok(hasLimit || sql.includes(`total_revenue * ${limit}`), `${panel.title} has the alert's limit`);
	}
});

t.test("links to runbooks lead to pages, and every alert's page is in the list", async (t) => {
	for (const { dashboard } of ALL) {
		for (const { title, links = [] } of panelsOf(dashboard)) {
			for (const { url, targetBlank } of links) {
				const [, page] = /^\$\{runbooks:raw\}\/([a-z-]+\.md)$/.exec(url) ?? [];
				t.ok(existsSync(join(packageRoot(), "docs", "runbooks", page ?? "none")), `${title}: ${url}`);
				t.equal(targetBlank, true, "a page of another kind opens beside the dashboard");
			}
		}
	}
	const list = panelsOf(readDashboard("engine")).find(({ type }) => type === "text");
	for (const alert of Object.keys(ALERTS)) {
		t.match(list?.options?.["content"], `[${alert}](\${runbooks:raw}/${kebab(alert)}.md)`);
	}
});

t.test("every PromQL query is valid and reads series that there are", async (t) => {
	const metrics = createMetrics({ status: () => engineStatus(), now: () => NOW_MS });
	const known = new Set(["up", ...readRules("recording.rules.yml").map(({ name }) => name)]);
	for (const [name, { type }] of parseMetrics(await metrics.render())) {
		known.add(name);
		if (type === "histogram") for (const suffix of ["_bucket", "_sum", "_count"]) known.add(name + suffix);
	}
	// What Node says of its garbage collection is there from the first collection on.
	known.add("nodejs_gc_duration_seconds_sum");
	const dashboard = readDashboard("engine");
	const exprs = panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
		targets.map(({ expr = "" }) => ({ title, expr })),
	);
	exprs.push(...dashboard.annotations.list.map(({ expr }) => ({ title: "annotations", expr })));
	for (const { title, expr } of exprs) {
		for (const series of seriesIn(expr)) t.ok(known.has(series), `${title} reads ${series}`);
	}
	const scope = scopeOf(dashboard);
	const rules = exprs.map(({ expr }, i) => ({ record: `query:${i}`, expr: expandPromql(expr, scope) }));
	// JSON is YAML.
	const folder = t.testdir({ "queries.yml": JSON.stringify({ groups: [{ name: "queries", rules }] }) });
	const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", join(folder, "queries.yml")], {
		encoding: "utf8",
	});
	t.equal(status, 0, stdout + stderr);
});

t.test("no query says 0 for a source that is gone, but that of the engines that answer", async (t) => {
	for (const { title, targets = [] } of panelsOf(readDashboard("engine"))) {
		for (const { expr = "" } of targets) {
			const isAllowed = ["Engines that answer", "Alerts, pending and firing"].includes(title);
			t.equal(/\bvector\(0\)/.test(expr), isAllowed, `${title}: ${expr.slice(0, 80)}`);
		}
	}
});

t.test("SQL reads only what the role reporter may read, within the time range", async (t) => {
	const folder = join(packageRoot(), "schema", "migrations");
	const grants = readdirSync(folder)
		.map((name) => readFileSync(join(folder, name), "utf8").replace(/'\s*'/g, ""))
		.join("\n");
	const relations = [...grants.matchAll(/GRANT SELECT ON ([^;]*?) TO reporter/g)].flatMap(([, granted]) =>
		granted!.split(/,\s*/),
	);
	const dashboard = readDashboard("business");
	for (const { title, targets = [] } of panelsOf(dashboard)) {
		for (const { rawSql = "" } of targets) {
			const sql = expandSql(rawSql, scopeOf(dashboard));
			const read = [...sql.matchAll(/\b(?:FROM|JOIN) ([a-z_]\w+)\b(?!\()/g)].map(([, name]) => name!);
			const relationsRead = read.filter((name) => !["hour", "now"].includes(name));
			t.ok(relationsRead.length > 0, title);
			for (const name of relationsRead) t.ok(relations.includes(name), `${title} reads ${name}`);
			const isBounded = /\$__time|FROM source_offsets/.test(rawSql);
			t.ok(isBounded, `${title} does not read the whole history`);
		}
	}
});
