/** The dashboard of those who run the engine. */
import { ALERTS, type AlertName } from "../../thresholds.ts";
import { runbookLink } from "./alert-steps.ts";
import { dashboard, type Row } from "./dashboard.ts";
import { DELAY } from "./engine-delay.ts";
import { HEALTH } from "./engine-health.ts";
import { PROCESS } from "./engine-process.ts";
import { TROUBLE } from "./engine-trouble.ts";
import { words } from "./panel.ts";
import { CHOSEN_SOURCE, labelVariable, runbooksVariable, sourceVariable } from "./variables.ts";

const RUNBOOKS: Row = {
	title: "What to do?",
	panels: [
		words(
			"Runbooks",
			"A page for each alert: what it means, what to look at, what to do.",
			24,
			9,
			runbookList(),
		),
	],
};

export function engineDashboard() {
	return dashboard({
		uid: "lottery-engine",
		title: "Engine",
		description: "Is it healthy, where is the delay, what is bad. Thresholds are those of the alerts.",
		source: "prometheus",
		from: "now-1h",
		refresh: "10s",
		timezone: "browser",
		variables: [
			sourceVariable("prometheus", "prometheus", "Prometheus"),
			labelVariable("job", "Jobs of Prometheus that scrape engines", "engine_build_info"),
			labelVariable("instance", "Engines", 'engine_build_info{job=~"$job"}'),
			labelVariable("topic", "Kafka topics", 'engine_consumer_lag{job=~"$job", instance=~"$instance"}'),
			runbooksVariable(),
		],
		annotations: [FIRING],
		others: [{ title: "Business", uid: "lottery-business" }],
		rows: [HEALTH, DELAY, TROUBLE, PROCESS, RUNBOOKS],
	});
}

/** Red lines over all charts while an alert fires. */
const FIRING = {
	name: "Alerts that fire",
	datasource: { type: "prometheus", uid: CHOSEN_SOURCE },
	enable: true,
	hide: false,
	iconColor: "red",
	expr: 'ALERTS{alertname=~"Engine.+|PayoutRatioHigh", alertstate="firing"}',
	titleFormat: "{{alertname}}",
	textFormat: "{{severity}} {{instance}} {{topic}} {{partition}}",
	tagKeys: "severity",
	step: "30s",
	useValueForTime: false,
};

function runbookList(): string {
	const names = Object.keys(ALERTS) as AlertName[];
	return names.map((name) => `- [${name}](${runbookLink(name).url}): ${ALERTS[name].severity}`).join("\n");
}
