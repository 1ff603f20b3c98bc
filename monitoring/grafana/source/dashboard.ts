/** A dashboard from its rows: places, numbers and data sources of its panels are given here. */
import type { Panel } from "./panel.ts";
import { CHOSEN_SOURCE } from "./variables.ts";

export interface Row {
	/** The question that it answers. */
	readonly title: string;
	readonly panels: readonly Panel[];
}

export interface DashboardSpec {
	/** Stays as it is for ever: addresses of the dashboard hold it. */
	readonly uid: string;
	readonly title: string;
	readonly description: string;
	/** Type of the one data source it asks. */
	readonly source: "prometheus" | "grafana-postgresql-datasource";
	readonly from: string;
	readonly refresh: string;
	readonly timezone: "browser" | "utc";
	readonly variables: readonly unknown[];
	readonly annotations?: readonly unknown[];
	/** The other dashboards, by title and uid. */
	readonly others: readonly { readonly title: string; readonly uid: string }[];
	readonly rows: readonly Row[];
}

/** Columns of a page. */
const COLUMNS = 24;
/** Panels of a row keep their numbers, which links hold, when another row gets one more. */
const IDS_PER_ROW = 100;
/** Of the classic JSON; Grafana 11.6 and later import it. */
const SCHEMA_VERSION = 41;

/** The JSON that Grafana reads. Throws when a row's panels do not fill its lines. */
export function dashboard(spec: DashboardSpec) {
	const datasource = { type: spec.source, uid: CHOSEN_SOURCE };
	return {
		uid: spec.uid,
		title: spec.title,
		description: spec.description,
		tags: ["lottery-engine"],
		schemaVersion: SCHEMA_VERSION,
		version: 1,
		editable: false,
		graphTooltip: 1,
		refresh: spec.refresh,
		time: { from: spec.from, to: "now" },
		timepicker: {},
		timezone: spec.timezone,
		templating: { list: spec.variables },
		annotations: { list: spec.annotations ?? [] },
		links: spec.others.map(({ title, uid }) => ({
			asDropdown: false,
			icon: "dashboard",
			includeVars: false,
			keepTime: false,
			tags: [],
			targetBlank: false,
			title,
			tooltip: "",
			type: "link",
			url: `/d/${uid}`,
		})),
		panels: placed(spec.rows, datasource),
	};
}

function placed(rows: readonly Row[], datasource: { readonly type: string; readonly uid: string }) {
	const panels: unknown[] = [];
	let y = 0;
	for (const [at, row] of rows.entries()) {
		const firstId = (at + 1) * IDS_PER_ROW;
		panels.push({
			id: firstId,
			type: "row",
			title: row.title,
			collapsed: false,
			gridPos: { h: 1, w: COLUMNS, x: 0, y },
			panels: [],
		});
		y += 1;
		let x = 0;
		let lineHeight = 0;
		for (const [i, { type, title, description, size, body }] of row.panels.entries()) {
			if (x > 0 && size.h !== lineHeight) throw new Error(`${title} is not as high as its neighbour`);
			lineHeight = size.h;
			const gridPos = { ...size, x, y };
			const source = type === "text" ? {} : { datasource };
			panels.push({
				id: firstId + i + 1,
				type,
				title,
				description,
				gridPos,
				...source,
				...sourced(body, datasource),
			});
			x += size.w;
			if (x > COLUMNS) throw new Error(`${title} does not fit into its line`);
			if (x === COLUMNS) {
				x = 0;
				y += lineHeight;
			}
		}
		if (x > 0) throw new Error(`the last line of "${row.title}" is not full`);
	}
	return panels;
}

/** Each query names its source too, as Grafana itself stores it. */
function sourced(body: Panel["body"], datasource: unknown) {
	const targets = body["targets"];
	if (!Array.isArray(targets)) return body;
	return { ...body, targets: targets.map((target) => ({ ...target, datasource })) };
}
