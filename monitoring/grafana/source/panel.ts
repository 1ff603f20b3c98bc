/** Panels of Grafana as far as we use them (dashboard schema 41, the classic JSON that versions 12 and 13 import). */
import type { AlertName } from "../../thresholds.ts";
import { alertSentence, type Link, runbookLink, type Step, stepsOf } from "./alert-steps.ts";

/** One question to a data source; `refId` is given by its place. */
export type Query = PromQuery | SqlQuery;

export interface PromQuery {
	readonly expr: string;
	/** Name of a series, with `{{label}}`; of a stat that has one series it is not shown. */
	readonly legend?: string;
}

export interface SqlQuery {
	readonly sql: string;
	/** `time_series`: the first column is `time`, a text column names the series. */
	readonly format: "time_series" | "table";
}

/** Properties of one column or series by its name. */
export type Overrides = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Common {
	readonly title: string;
	/** What it shows and what to make of it. What is said of alerts is appended. */
	readonly description: string;
	/** Of Grafana's units: `s`, `percentunit`, `bytes`, `cps` (events per second), `locale` (a number with separators). */
	readonly unit: string;
	readonly queries: readonly Query[];
	/** In 24ths of the page. */
	readonly width: number;
	readonly decimals?: number;
	/** Whose threshold and runbook it has; a pair names another condition of the alert than its first. */
	readonly alert?: AlertName | readonly [alert: AlertName, condition: number];
	/** More alerts that it helps with: their runbooks are linked. */
	readonly alsoFor?: readonly AlertName[];
	/** Texts for values, such as 0 and 1. */
	readonly texts?: Readonly<Record<number, string>>;
	/** Shown when there is no row; default: Grafana's "No data", which is what a dead source should say. */
	readonly noValue?: string;
	readonly overrides?: Overrides;
}

export interface Panel {
	readonly type: string;
	readonly title: string;
	readonly description: string;
	readonly size: { readonly w: number; readonly h: number };
	/** Everything else, as Grafana stores it. */
	readonly body: Readonly<Record<string, unknown>>;
}

const STAT_HEIGHT = 4;
const CHART_HEIGHT = 8;

/**
 * A big number. It is asked for this moment only, and has no course behind it: the last value of an hour's course would be
 * green long after the engine was gone.
 */
export function stat(spec: Common): Panel {
	return panelOf("stat", STAT_HEIGHT, spec, {
		defaults: { color: { mode: "thresholds" } },
		options: {
			colorMode: spec.alert === undefined ? "none" : "background",
			graphMode: "none",
			justifyMode: "auto",
			orientation: "auto",
			percentChangeColorMode: "standard",
			reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
			showPercentChange: false,
			textMode: spec.queries.some((query) => "legend" in query) ? "value_and_name" : "value",
			wideLayout: true,
		},
	});
}

export interface ChartSpec extends Common {
	readonly style?: "line" | "bars";
	readonly stacked?: boolean;
	/** Whether values below 0 have a meaning; otherwise the axis begins at 0. */
	readonly belowZero?: boolean;
	/** Upper end of the axis unless values are greater. */
	readonly softMax?: number;
}

/** Values over time; a threshold is a dashed line. */
export function chart(spec: ChartSpec): Panel {
	const { style = "line", stacked = false, belowZero = false, softMax, alert } = spec;
	return panelOf("timeseries", CHART_HEIGHT, spec, {
		defaults: {
			color: { mode: "palette-classic" },
			...(!belowZero && { min: 0 }),
			custom: {
				drawStyle: style,
				lineWidth: style === "bars" ? 0 : 1,
				fillOpacity: style === "bars" ? 80 : stacked ? 40 : 10,
				showPoints: "auto",
				spanNulls: false,
				...(softMax !== undefined && { axisSoftMax: softMax }),
				stacking: { group: "A", mode: stacked ? "normal" : "none" },
				thresholdsStyle: { mode: alert === undefined ? "off" : "dashed" },
			},
		},
		options: {
			legend: { calcs: ["lastNotNull", "max"], displayMode: "table", placement: "bottom", showLegend: true },
			tooltip: { hideZeros: false, mode: "multi", sort: "desc" },
		},
	});
}

export interface Column {
	/** As the queries name it: a label, `Value`, or `Value #B` of the second of several queries. */
	readonly from: string;
	readonly title: string;
}

export interface TableSpec extends Common {
	/** Which are shown, in this order; default: all, under their own names. */
	readonly columns?: readonly Column[];
	/** Label by which the rows of several queries become one. */
	readonly joinBy?: string;
	readonly sortBy?: { readonly displayName: string; readonly desc: boolean };
	readonly height?: number;
}

export function table(spec: TableSpec): Panel {
	const { columns, joinBy, sortBy, height = CHART_HEIGHT } = spec;
	const panel = panelOf("table", height, spec, {
		defaults: { custom: { align: "auto", filterable: true } },
		options: {
			cellHeight: "sm",
			frameIndex: 0,
			showHeader: true,
			sortBy: sortBy === undefined ? [] : [sortBy],
		},
	});
	const transformations = [
		...(joinBy === undefined ? [] : [{ id: "joinByField", options: { byField: joinBy, mode: "outer" } }]),
		...(columns === undefined ? [] : arrange(columns)),
	];
	return { ...panel, body: { ...panel.body, transformations } };
}

function arrange(columns: readonly Column[]) {
	return [
		{ id: "filterFieldsByName", options: { include: { names: columns.map(({ from }) => from) } } },
		{
			id: "organize",
			options: {
				indexByName: Object.fromEntries(columns.map(({ from }, i) => [from, i])),
				renameByName: Object.fromEntries(columns.map(({ from, title }) => [from, title])),
			},
		},
	];
}

export interface BarsSpec extends Common {
	/** Column with the text below each group of bars. */
	readonly by: string;
}

/** Bars over a text column: days, which are no points in time once a zone decides where they begin. */
export function bars(spec: BarsSpec): Panel {
	return panelOf("barchart", CHART_HEIGHT, spec, {
		defaults: { color: { mode: "palette-classic" }, min: 0, custom: { fillOpacity: 80, lineWidth: 0 } },
		options: {
			barWidth: 0.9,
			fullHighlight: false,
			groupWidth: 0.7,
			legend: { calcs: [], displayMode: "list", placement: "bottom", showLegend: true },
			orientation: "auto",
			showValue: "never",
			stacking: "none",
			tooltip: { hideZeros: false, mode: "multi", sort: "none" },
			xField: spec.by,
			xTickLabelRotation: 0,
			xTickLabelMaxLength: 0,
		},
	});
}

/** Words between panels, in Markdown. */
export function words(
	title: string,
	description: string,
	width: number,
	height: number,
	content: string,
): Panel {
	return {
		type: "text",
		title,
		description,
		size: { w: width, h: height },
		body: { options: { content, mode: "markdown" } },
	};
}

function panelOf(
	type: string,
	height: number,
	spec: Common,
	own: { readonly defaults: Readonly<Record<string, unknown>>; readonly options: unknown },
): Panel {
	const [alert, condition] =
		typeof spec.alert === "string" ? [spec.alert, 0] : (spec.alert ?? [undefined, 0]);
	const alerts = [...(alert === undefined ? [] : [alert]), ...(spec.alsoFor ?? [])];
	const steps: readonly Step[] =
		alert === undefined ? [{ value: null, color: "text" }] : stepsOf(alert, condition);
	const links: readonly Link[] = alerts.map(runbookLink);
	const { decimals, texts, noValue, overrides = {} } = spec;
	return {
		type,
		title: spec.title,
		description: [spec.description, ...alerts.map(alertSentence)].join(" "),
		size: { w: spec.width, h: height },
		body: {
			fieldConfig: {
				defaults: {
					unit: spec.unit,
					...(decimals !== undefined && { decimals }),
					...(noValue !== undefined && { noValue }),
					...(texts !== undefined && { mappings: [mappingOf(texts)] }),
					thresholds: { mode: "absolute", steps },
					...own.defaults,
				},
				overrides: Object.entries(overrides).map(([name, properties]) => ({
					matcher: { id: "byName", options: name },
					properties: Object.entries(properties).map(([id, value]) => ({ id, value })),
				})),
			},
			...(links.length > 0 && { links }),
			options: own.options,
			targets: spec.queries.map((query, place) => targetOf(query, place, type)),
		},
	};
}

function mappingOf(texts: Readonly<Record<number, string>>) {
	const options = Object.entries(texts).map(([value, text], index) => [value, { text, index }]);
	return { type: "value", options: Object.fromEntries(options) };
}

function targetOf(query: Query, place: number, panelType: string) {
	const refId = String.fromCharCode("A".charCodeAt(0) + place);
	if ("sql" in query) {
		return { refId, editorMode: "code", format: query.format, rawQuery: true, rawSql: query.sql };
	}
	const { expr, legend } = query;
	const isOfNow = panelType !== "timeseries";
	return {
		refId,
		editorMode: "code",
		expr,
		format: panelType === "table" ? "table" : "time_series",
		instant: isOfNow,
		range: !isOfNow,
		legendFormat: legend ?? "__auto",
	};
}
