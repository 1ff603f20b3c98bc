/** What the business sees: the newest 24 hours as sums, charts and a table, with corrections marked. */
import { chart } from "./charts.js";
import { byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { ago, clock, count, dayOf, hourOf, moneyOf, moneyText, percent, short } from "./format.js";
import { cellText, table } from "./tables.js";

const HOUR_MS = 3_600_000;
const HOURS = 24;

let drawn = null;

export function drawBusiness({ business, atMs }) {
	const { hours } = business;
	drawn ??= makeParts();
	drawStale(byId("business-stale"), hours, "The business figures");
	const rows = hours.value ?? [];
	// The day stands where it changes, as in a calendar.
	const dayStarts = new Set(
		rows.filter(({ hourMs }, i) => dayOf(hourMs) !== dayOf(rows[i - 1]?.hourMs ?? 0)),
	);
	const newest = rows[0]?.hourMs ?? null;
	setText(byId("business-when"), whenOf(newest, atMs));
	drawSums(rows);
	drawCharts(rows, newest);
	drawn.rows.say(emptyText(hours));
	drawn.rows.set(
		rows,
		({ hourMs }) => String(hourMs),
		(cells, row, element) => drawHour(cells, row, element, { newest, atMs, dayStarts }),
	);
}

/** What was read before stays, and says how old it is and why. */
export function drawStale(place, { value, readAtMs, trouble }, what) {
	place.hidden = trouble === null;
	if (trouble === null) return;
	const old =
		value === null ? `${what} cannot be read` : `${what} are of ${clock(readAtMs)} and may be out of date`;
	setText(place, `${old}: ${trouble}`);
}

function emptyText({ value, trouble }) {
	if (value !== null) return "No event is stored yet. The first hour shows up with the first commit.";
	return trouble === null ? "Reading from Postgres" : "Nothing could be read from Postgres yet.";
}

function whenOf(newest, atMs) {
	if (newest === null) return "hours by the time of the events, UTC";
	const isNow = atMs - newest < 2 * HOUR_MS && newest <= atMs;
	return isNow
		? "the last 24 hours by the time of the events, UTC"
		: `the newest 24 hours that have events, up to ${dayOf(newest)} ${hourOf(newest)} UTC (${ago(newest, atMs)})`;
}

function drawSums(rows) {
	const sum = (pick) => rows.reduce((total, row) => total + pick(row), 0);
	const revenue = sum((row) => Number(row.revenue));
	const payouts = sum((row) => Number(row.payouts));
	const items = [
		{ name: "Revenue", value: moneyOf(revenue) },
		{ name: "Payouts", value: moneyOf(payouts) },
		{ name: "Payout ratio", value: percent(revenue === 0 ? null : payouts / revenue, 1) },
		{ name: "Tickets", value: count(sum((row) => row.tickets)) },
		{ name: "Logins", value: count(sum((row) => row.logins)) },
		{
			name: "Busiest hour",
			value: rows.length === 0 ? "–" : `${count(Math.max(...rows.map((row) => row.activeUsers)))} users`,
		},
	];
	reconcile(
		byId("business-sums"),
		items,
		({ name }) => name,
		({ name }) => el("div", {}, el("dt", {}, name), el("dd")),
		(element, { value }) => setText(element.querySelector("dd"), rows.length === 0 ? "–" : value),
	);
}

/** An hour without an event is a gap in the table and a place without a bar in the chart. */
function drawCharts(rows, newest) {
	if (newest === null) {
		drawn.revenue.set([[], [], [], []]);
		drawn.users.set([[], [], []]);
		return;
	}
	const byHour = new Map(rows.map((row) => [row.hourMs, row]));
	const all = Array.from({ length: HOURS }, (_, i) => newest - (HOURS - 1 - i) * HOUR_MS);
	const column = (pick) => all.map((hourMs) => (byHour.has(hourMs) ? pick(byHour.get(hourMs)) : null));
	const seconds = all.map((ms) => ms / 1000);
	drawn.revenue.set([
		seconds,
		column((row) => Number(row.revenue)),
		column((row) => Number(row.payouts)),
		column((row) => (row.correction === null ? null : Number(row.revenue))),
	]);
	drawn.users.set([seconds, column((row) => row.activeUsers), column((row) => row.newSessions)]);
}

function drawHour(
	[hour, revenue, tickets, average, payouts, ratio, users, sessions, logins],
	row,
	element,
	{ newest, atMs, dayStarts },
) {
	const { correction } = row;
	const isOpen = row.hourMs === newest && atMs - newest < HOUR_MS;
	drawHourName(hour, row, isOpen, atMs);
	hour.querySelector(".day").hidden = !dayStarts.has(row);
	setAttribute(element, "data-corrected", correction === null ? null : "yes");
	cellText(revenue, moneyText(row.revenue));
	cellText(tickets, count(row.tickets));
	cellText(average, row.tickets === 0 ? "–" : moneyOf(Number(row.revenue) / row.tickets));
	cellText(payouts, moneyText(row.payouts));
	cellText(ratio, percent(Number(row.revenue) === 0 ? null : Number(row.payouts) / Number(row.revenue), 1));
	cellText(users, count(row.activeUsers));
	cellText(sessions, count(row.newSessions));
	cellText(logins, count(row.logins));
}

function drawHourName(cell, row, isOpen, atMs) {
	if (cell.childElementCount === 0)
		cell.append(el("span", { class: "hour" }), el("span", { class: "day" }), el("span", { class: "badge" }));
	const [name, day, badge] = cell.children;
	setText(name, hourOf(row.hourMs));
	setText(
		day,
		dayOf(row.hourMs)
			.replace(",", "")
			.replace(/ \d{4}$/, ""),
	);
	const { correction } = row;
	badge.hidden = correction === null && !isOpen;
	setAttribute(badge, "data-kind", correction === null ? "open" : "corrected");
	setText(badge, correction === null ? "open" : `corrected: ${changesOf(correction)[0] ?? "changed"}`);
	const all =
		correction === null
			? ""
			: `corrected ${ago(correction.atMs, atMs)}: ${changesOf(correction).join(", ")}; `;
	setAttribute(cell, "title", `${all}last changed ${ago(row.updatedAtMs, atMs)}`);
}

/** What a late event changed, the money first. */
function changesOf({ revenue, payouts, tickets, activeUsers }) {
	const signed = (value) => (value > 0 ? `+${count(value)}` : count(value));
	return [
		/[1-9]/.test(revenue) ? `revenue ${moneyText(revenue)}` : "",
		/[1-9]/.test(payouts) ? `payouts ${moneyText(payouts)}` : "",
		tickets !== 0 ? `tickets ${signed(tickets)}` : "",
		activeUsers !== 0 ? `users ${signed(activeUsers)}` : "",
	].filter((part) => part !== "");
}

function makeParts() {
	const common = {
		when: (seconds) => `${hourOf(seconds * 1000)} UTC`,
		xRange: (min, max) => [min - HOUR_MS / 2000, max + HOUR_MS / 2000],
		axis: short,
		heightPx: 204,
	};
	return {
		revenue: chart(byId("chart-revenue"), {
			...common,
			title: "Revenue and payouts by hour",
			legend: moneyOf,
			series: [
				{ label: "revenue", colour: "series-a", kind: "bars" },
				{ label: "payouts", colour: "series-c" },
				{ label: "corrected", colour: "series-d", kind: "points" },
			],
		}),
		users: chart(byId("chart-users"), {
			...common,
			title: "Users and sessions by hour",
			legend: count,
			series: [
				{ label: "users", colour: "series-b", kind: "bars" },
				{ label: "new sessions", colour: "series-a" },
			],
		}),
		rows: table(byId("hours"), {
			caption: "Business metrics by hour, the newest first",
			empty: "Reading from Postgres",
			columns: [
				{ name: "Hour, UTC", class: "text" },
				{ name: "Revenue" },
				{ name: "Tickets" },
				{ name: "Average", class: "number wide" },
				{ name: "Payouts" },
				{ name: "Ratio", class: "number wide" },
				{ name: "Users" },
				{ name: "Sessions", class: "number wide" },
				{ name: "Logins", class: "number wide" },
			],
		}),
	};
}
