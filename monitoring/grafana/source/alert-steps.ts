/**
 * What a panel says about an alert: the same threshold, the same words, and the way to its runbook. Everything comes
 * from monitoring/thresholds.ts, so that a panel is red exactly where somebody is woken.
 */
import { ALERTS, type AlertName, type Condition } from "../../thresholds.ts";

export interface Step {
	/** From this value on; null: from the beginning. */
	readonly value: number | null;
	readonly color: string;
}

export interface Link {
	readonly title: string;
	readonly url: string;
	readonly targetBlank: boolean;
}

const CALM = "green";
const COLORS = { page: "red", ticket: "orange" } as const;

/**
 * Grafana colours from a value on, an alert fires above it. Above 0 that makes a difference: the first value that counts.
 * One event in five minutes is 0.0033 per second.
 */
const FIRST_ABOVE_ZERO: Readonly<Record<Condition["unit"], number>> = {
	s: 1,
	records: 1,
	share: 0.0001,
	times: 1,
	boolean: 1,
	hour: 1,
	money: 0.01,
	"per second": 0.001,
};

/** @param which the alert's condition that the panel shows; its first unless said otherwise */
export function stepsOf(alert: AlertName, which = 0): readonly Step[] {
	const condition = conditionOf(alert, which);
	const { comparison, value, unit } = condition;
	const alarm = COLORS[ALERTS[alert].severity];
	if (comparison === "==" && value === 0) {
		return [
			{ value: null, color: alarm },
			{ value: FIRST_ABOVE_ZERO[unit], color: CALM },
		];
	}
	if (comparison === "<") throw new Error(`${alert}: no panel shows a lower limit yet`);
	return [
		{ value: null, color: CALM },
		{ value: value === 0 ? FIRST_ABOVE_ZERO[unit] : value, color: alarm },
	];
}

/** A sentence for the panel's description, such as "EngineDown pages when …". */
export function alertSentence(alert: AlertName): string {
	const { severity, forSeconds, conditions } = ALERTS[alert];
	const verb = severity === "page" ? "pages" : "opens a ticket";
	const [first] = conditions;
	const duration = forSeconds < 120 ? `${forSeconds} s` : `${forSeconds / 60} min`;
	return `${alert} ${verb} when ${first.series} ${first.comparison} ${first.value} for ${duration}.`;
}

/** `EngineFlushFailing` is explained in `engine-flush-failing.md`. */
export function runbookLink(alert: AlertName): Link {
	const page = alert.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
	return { title: `Runbook ${alert}`, url: `\${runbooks:raw}/${page}.md`, targetBlank: true };
}

function conditionOf(alert: AlertName, which: number): Condition {
	const conditions: readonly Condition[] = ALERTS[alert].conditions;
	const condition = conditions[which];
	if (condition === undefined) throw new Error(`${alert} has no condition ${which}`);
	return condition;
}
