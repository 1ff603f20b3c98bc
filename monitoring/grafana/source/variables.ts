/** What can be chosen at the top of a dashboard. */

/** The source that is chosen there, for whatever asks it. */
export const CHOSEN_SOURCE = `\${datasource}`;

/** Which data source is asked; `uid` is that of our own provisioning. */
export function sourceVariable(
	type: "prometheus" | "grafana-postgresql-datasource",
	uid: string,
	text: string,
) {
	return {
		type: "datasource",
		name: "datasource",
		label: "Data source",
		description: "Where the panels look",
		query: type,
		current: { selected: false, text, value: uid },
		hide: 0,
		includeAll: false,
		multi: false,
		options: [],
		refresh: 1,
		regex: "",
		skipUrlSync: false,
	};
}

/** Values of a label, several or all of them. Asked again whenever the time range changes. */
export function labelVariable(name: string, description: string, series: string) {
	const query = `label_values(${series}, ${name})`;
	return {
		type: "query",
		name,
		label: name.charAt(0).toUpperCase() + name.slice(1),
		description,
		datasource: { type: "prometheus", uid: CHOSEN_SOURCE },
		definition: query,
		query: { qryType: 1, query, refId: "PrometheusVariableQueryEditor-VariableQuery" },
		current: { selected: true, text: ["All"], value: ["$__all"] },
		allValue: ".+",
		hide: 0,
		includeAll: true,
		multi: true,
		options: [],
		refresh: 2,
		regex: "",
		skipUrlSync: false,
		sort: 1,
	};
}

/** One of a list, or anything typed in. */
export function choiceVariable(name: string, label: string, description: string, values: readonly string[]) {
	const options = values.map((value, i) => ({ selected: i === 0, text: value, value }));
	return {
		type: "custom",
		name,
		label,
		description,
		query: values.join(","),
		current: options[0],
		allowCustomValue: true,
		hide: 0,
		includeAll: false,
		multi: false,
		options,
		skipUrlSync: false,
	};
}

/** Below which address the pages of docs/runbooks are. Relative ones are of Grafana itself. */
const RUNBOOKS_AT = "/public/runbooks";

export function runbooksVariable() {
	return {
		type: "textbox",
		name: "runbooks",
		label: "Runbooks at",
		description:
			"Where docs/runbooks can be read: a folder of Grafana's own, or the address where you browse the repository",
		query: RUNBOOKS_AT,
		current: { selected: true, text: RUNBOOKS_AT, value: RUNBOOKS_AT },
		hide: 0,
		options: [{ selected: true, text: RUNBOOKS_AT, value: RUNBOOKS_AT }],
		skipUrlSync: false,
	};
}
