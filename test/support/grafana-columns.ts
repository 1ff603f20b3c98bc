/** Whether Grafana can make of a query's columns what its panel shows. */
import pg from "pg";
import type { Test } from "tap";
import type { GrafanaPanel, Target } from "../monitoring/grafana-files.ts";

const NUMERIC_TYPES: readonly number[] = [
	pg.types.builtins.INT4,
	pg.types.builtins.INT8,
	pg.types.builtins.FLOAT8,
	pg.types.builtins.NUMERIC,
];

/** What Grafana makes a frame of: series begin with a time, and names that a panel gives are columns. */
export function checkColumns(
	t: Test,
	panel: GrafanaPanel,
	format: Target["format"],
	fields: readonly pg.FieldDef[],
): void {
	const names = fields.map(({ name }) => name);
	if (format === "time_series") {
		const [time, ...values] = fields;
		t.equal(time?.name, "time", panel.title);
		t.equal(time?.dataTypeID, pg.types.builtins.TIMESTAMPTZ, panel.title);
		for (const { name, dataTypeID } of values) {
			t.ok(NUMERIC_TYPES.includes(dataTypeID) || name === "metric", `${panel.title}: ${name} is a number`);
		}
	}
	if (panel.type === "stat")
		t.ok(NUMERIC_TYPES.includes(fields[0]!.dataTypeID), `${panel.title} is a number`);
	const named = panel.fieldConfig!.overrides.map(({ matcher }) => matcher.options);
	const xField = panel.options?.["xField"];
	for (const name of typeof xField === "string" ? [...named, xField] : named) {
		t.ok(names.includes(name), `${panel.title} has the column ${name}`);
	}
}
