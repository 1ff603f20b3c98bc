/** The dashboard of analysts and of those who answer for the money: everything from Postgres, as the role `reporter`. */
import { DAYS, ROLLING } from "./business-days.ts";
import { DAY_NOW, HOURS } from "./business-now.ts";
import { TRUST } from "./business-trust.ts";
import { dashboard } from "./dashboard.ts";
import { choiceVariable, runbooksVariable, sourceVariable } from "./variables.ts";

/** Any other name that Postgres knows can be typed in. */
const ZONES = ["UTC", "Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata"];

export function businessDashboard() {
	return dashboard({
		uid: "lottery-business",
		title: "Business",
		description: "Revenue, tickets, payouts, users and sessions by hour, rolling and by day. Hours are UTC.",
		source: "grafana-postgresql-datasource",
		from: "now-7d",
		refresh: "1m",
		timezone: "utc",
		variables: [
			sourceVariable("grafana-postgresql-datasource", "postgres", "Postgres"),
			choiceVariable("zone", "Days of", "Time zone in which days begin", ZONES),
			runbooksVariable(),
		],
		others: [{ title: "Engine", uid: "lottery-engine" }],
		rows: [DAY_NOW, HOURS, ROLLING, DAYS, TRUST],
	});
}
