/** What Grafana is given beside the dashboards: data sources, and where it finds the files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readComposeFile } from "../support/compose-file.ts";
import { DASHBOARDS, panelsOf, readDashboard, readDataSources, readProviders } from "./grafana-files.ts";
import { PROMETHEUS_FOLDER } from "./prometheus/rule-files.ts";

t.test(
	"the data sources are those that the dashboards begin with, and secrets come from the environment",
	async (t) => {
		const sources = readDataSources();
		t.same(
			sources.map(({ uid, type }) => [uid, type]),
			[
				["prometheus", "prometheus"],
				["postgres", "grafana-postgresql-datasource"],
			],
		);
		for (const { dashboard } of DASHBOARDS.map((name) => ({ dashboard: readDashboard(name) }))) {
			const variable = dashboard.templating.list.find(({ type }) => type === "datasource");
			const source = sources.find(({ uid }) => uid === variable?.current.value);
			t.equal(source?.type, variable?.query, `${dashboard.title} begins with a source of its type`);
			for (const { datasource } of panelsOf(dashboard)) {
				if (datasource !== undefined) t.equal(datasource.type, source?.type);
			}
		}
		for (const { editable } of sources) t.equal(editable, false);
		const [prometheus, postgres] = sources;
		t.equal(prometheus?.url, "http://prometheus:9090");
		const scrape = readFileSync(join(PROMETHEUS_FOLDER, "prometheus.yml"), "utf8");
		t.equal(prometheus?.jsonData["timeInterval"], /^\s*scrape_interval: (\w+)$/m.exec(scrape)?.[1]);
		t.match(postgres, {
			url: "$POSTGRES_HOST",
			user: "$REPORTER_USER",
			jsonData: { database: "$POSTGRES_DB" },
			secureJsonData: { password: "$REPORTER_PASSWORD" },
		});
	},
);

t.test("the containers give Grafana the files and the variables that these name", async (t) => {
	const { services } = readComposeFile();
	const { environment = {}, volumes = [] } = services["grafana"]!;
	const [provider] = readProviders();
	t.match(provider, { type: "file", allowUiUpdates: false, folderUid: "lottery-engine" });
	t.ok(volumes.includes(`./monitoring/grafana/dashboards:${provider?.options.path}:ro`));
	t.ok(volumes.includes("./monitoring/grafana/provisioning:/etc/grafana/provisioning:ro"));
	const runbooks = readDashboard("engine").templating.list.find(({ name }) => name === "runbooks");
	t.equal(runbooks?.current.value, "/public/runbooks");
	t.ok(
		volumes.includes("./docs/runbooks:/usr/share/grafana/public/runbooks:ro"),
		"below Grafana's static root",
	);
	const named = JSON.stringify(readDataSources()).match(/\$[A-Z_]+/g) ?? [];
	t.equal(named.length, 4);
	for (const name of named) t.ok(name.slice(1) in environment, `${name} is set`);
	t.ok("prometheus" in services, "the host that the data source names");
});
