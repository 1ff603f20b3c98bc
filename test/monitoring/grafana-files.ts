/** Reads monitoring/grafana for tests: the committed dashboards, as Grafana would, and the provisioning. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { packageRoot } from "../../schema/package-root.ts";
import type { VariableValue } from "../support/grafana-query.ts";

const FOLDER = join(packageRoot(), "monitoring", "grafana");

export interface Target {
	readonly refId: string;
	readonly datasource: { readonly type: string; readonly uid: string };
	readonly expr?: string;
	readonly legendFormat?: string;
	readonly instant?: boolean;
	readonly rawSql?: string;
	readonly format: "time_series" | "table";
}

export interface Step {
	readonly value: number | null;
	readonly color: string;
}

interface Property {
	readonly id: string;
	readonly value: unknown;
}

export interface GrafanaPanel {
	readonly id: number;
	readonly type: string;
	readonly title: string;
	readonly description?: string;
	readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
	readonly datasource?: { readonly type: string; readonly uid: string };
	readonly links?: readonly { readonly title: string; readonly url: string; readonly targetBlank: boolean }[];
	readonly fieldConfig?: {
		readonly defaults: {
			readonly unit: string;
			readonly thresholds: { readonly mode: string; readonly steps: readonly Step[] };
		};
		readonly overrides: readonly {
			readonly matcher: { readonly id: string; readonly options: string };
			readonly properties: readonly Property[];
		}[];
	};
	readonly options?: Readonly<Record<string, unknown>>;
	readonly targets?: readonly Target[];
	readonly transformations?: readonly {
		readonly id: string;
		readonly options: Readonly<Record<string, unknown>>;
	}[];
}

interface Variable {
	readonly name: string;
	readonly type: string;
	readonly label: string;
	readonly query: string | { readonly query: string };
	readonly current: { readonly value: string | readonly string[] };
	readonly allValue?: string;
}

export interface Dashboard {
	readonly uid: string;
	readonly title: string;
	readonly description: string;
	readonly schemaVersion: number;
	readonly editable: boolean;
	readonly links: readonly { readonly url: string }[];
	readonly annotations: { readonly list: readonly { readonly expr: string }[] };
	readonly templating: { readonly list: readonly Variable[] };
	readonly panels: readonly GrafanaPanel[];
}

export const DASHBOARDS = ["engine", "business"] as const;

export function readDashboard(name: (typeof DASHBOARDS)[number]): Dashboard {
	return JSON.parse(readFileSync(join(FOLDER, "dashboards", `${name}.json`), "utf8")) as Dashboard;
}

/** Of those with something to show; rows are only titles. */
export function panelsOf({ panels }: Dashboard): readonly GrafanaPanel[] {
	return panels.filter(({ type }) => type !== "row");
}

export function panelTitled(dashboard: Dashboard, title: string): GrafanaPanel {
	const found = dashboard.panels.filter((panel) => panel.title === title);
	if (found.length !== 1) throw new Error(`${dashboard.title} has ${found.length} panels "${title}"`);
	return found[0]!;
}

/** What is chosen when the dashboard is opened. */
export function initialVariables({ templating }: Dashboard): Readonly<Record<string, VariableValue>> {
	return Object.fromEntries(
		templating.list.map(({ name, current, allValue }) => {
			const isAll = [current.value].flat().includes("$__all");
			return [name, isAll ? { raw: allValue ?? ".*" } : current.value];
		}),
	);
}

/** The colour that a panel's default thresholds give a value. */
export function colorOf(panel: GrafanaPanel, value: number): string {
	const steps = panel.fieldConfig?.defaults.thresholds.steps ?? [];
	const color = steps.findLast((step) => step.value === null || value >= step.value)?.color;
	if (color === undefined) throw new Error(`${panel.title} has no colour for ${value}`);
	return color;
}

export interface DataSource {
	readonly uid: string;
	readonly type: string;
	readonly url: string;
	readonly user?: string;
	readonly editable: boolean;
	readonly jsonData: Readonly<Record<string, unknown>>;
	readonly secureJsonData?: Readonly<Record<string, string>>;
}

export function readDataSources(): readonly DataSource[] {
	const file = join(FOLDER, "provisioning", "datasources", "datasources.yml");
	return (parse(readFileSync(file, "utf8")) as { datasources: DataSource[] }).datasources;
}

export interface Provider {
	readonly type: string;
	readonly folderUid: string;
	readonly allowUiUpdates: boolean;
	readonly options: { readonly path: string };
}

export function readProviders(): readonly Provider[] {
	const file = join(FOLDER, "provisioning", "dashboards", "dashboards.yml");
	return (parse(readFileSync(file, "utf8")) as { providers: Provider[] }).providers;
}
