/** The health strip: each alert with its figure, its limit, and how far it is from waking somebody. */
import { byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { count, duration, percent, rate, UNKNOWN } from "./format.js";

/** @type {Record<string, { label: string, show: (value: number) => string, limit: (limit: number) => string }>} */
const FACES = {
	EngineNotReady: {
		label: "Ready",
		show: (value) => (value === 1 ? "yes" : "no"),
		limit: () => "joined, both answer",
	},
	EngineFlushFailing: {
		label: "Commits",
		show: (seconds) => (seconds < 2 ? "on time" : `${duration(seconds)} ago`),
		limit: (limit) => `limit ${duration(limit)} of silence`,
	},
	EngineFreshnessHigh: { label: "Behind by", show: duration, limit: (limit) => `limit ${duration(limit)}` },
	EngineLagGrowing: {
		label: "Waiting events",
		show: count,
		limit: (limit) => `limit ${count(limit)}, rising`,
	},
	EngineStalled: { label: "Stalled partitions", show: count, limit: () => "limit 0" },
	EnginePartitionHalted: { label: "Halted partitions", show: count, limit: () => "limit 0" },
	EngineDeadLetterRate: {
		label: "Dead letters, 5 min",
		show: (share) => percent(share, 2),
		limit: (limit) => `limit ${percent(limit)}`,
	},
	EngineLateEvents: {
		label: "Late events, 15 min",
		show: (share) => percent(share, 2),
		limit: (limit) => `limit ${percent(limit)}`,
	},
	EngineNoEvents: {
		label: "Events/s, 5 min",
		show: rate,
		limit: () => "limit 0 from 6 to 22 h",
	},
	EngineRebalanceStorm: {
		label: "Rebalances, 10 min",
		show: count,
		limit: (limit) => `limit ${count(limit)}`,
	},
	EngineActorRestarting: {
		label: "Actors lost, 15 min",
		show: count,
		limit: (limit) => `limit ${count(limit)}`,
	},
	EngineOldestSnapshot: {
		label: "Oldest snapshot",
		show: duration,
		limit: (limit) => `limit ${duration(limit)}`,
	},
	PayoutRatioHigh: {
		label: "Payout ratio, 24 h",
		show: (share) => percent(share, 1),
		limit: (limit) => `limit ${percent(limit)}`,
	},
};

const WORDS = { ok: "fine", pending: "beyond its limit", firing: "alarm", unknown: "not known now" };

export function drawSignals({ signals, atMs }) {
	const list = byId("signals");
	const firing = signals.filter(({ state }) => state === "firing").length;
	const pending = signals.filter(({ state }) => state === "pending").length;
	const unknown = signals.filter(({ state }) => state === "unknown").length;
	const summary = {
		alert: "summary",
		state: firing > 0 ? "firing" : pending > 0 ? "pending" : unknown > 0 ? "unknown" : "ok",
		severity: signals.some(
			(one) => one.severity === "page" && one.state === (firing > 0 ? "firing" : "pending"),
		)
			? "page"
			: "ticket",
		title:
			firing > 0
				? `${firing} firing`
				: pending > 0
					? `${pending} pending`
					: unknown > 0
						? `${unknown} unknown`
						: "none",
		detail: pending > 0 && firing > 0 ? `and ${pending} pending` : `of ${signals.length} watched`,
	};
	const order = Object.keys(FACES);
	const known = signals.filter(({ alert }) => order.includes(alert));
	known.sort((a, b) => order.indexOf(a.alert) - order.indexOf(b.alert));
	reconcile(
		list,
		[summary, ...known],
		({ alert }) => alert,
		createTile,
		(tile, one) => {
			if (one.alert === "summary") updateSummary(tile, one);
			else updateTile(tile, one, atMs);
		},
	);
}

function createTile({ alert, runbook }) {
	const parts = [
		el("span", { class: "label" }),
		el("span", { class: "value" }),
		el("span", { class: "limit" }),
		el("span", { class: "visually-hidden state" }),
	];
	if (alert === "summary") return el("li", { class: "tile summary" }, el("div", { class: "face" }, ...parts));
	return el(
		"li",
		{ class: "tile" },
		el("a", { class: "face", href: `/${runbook}`, title: `What ${alert} means, and what to do` }, ...parts),
	);
}

function updateSummary(tile, { state, severity, title, detail }) {
	setAttribute(tile, "data-state", state);
	setAttribute(tile, "data-severity", severity);
	fill(tile, "Alerts", title, detail, "");
}

function updateTile(tile, signal, atMs) {
	const face = FACES[signal.alert];
	setAttribute(tile, "data-state", signal.state);
	setAttribute(tile, "data-severity", signal.severity);
	const value = signal.value === null ? UNKNOWN : face.show(signal.value);
	fill(tile, face.label, value, detailOf(signal, face, atMs), WORDS[signal.state]);
	setAttribute(tile, "title", signal.note);
}

function detailOf({ state, sinceMs, forSeconds, limit, note, severity }, face, atMs) {
	if (state === "unknown") return note ?? "not known now";
	if (sinceMs === null) return face.limit(limit);
	const heldSeconds = Math.floor((atMs - sinceMs) / 1000);
	if (state === "firing") return `alarm for ${duration(Math.max(1, heldSeconds - forSeconds))}`;
	const left = Math.max(1, forSeconds - heldSeconds);
	return severity === "page" ? `pages in ${duration(left)}` : `ticket in ${duration(left)}`;
}

function fill(tile, label, value, detail, word) {
	setText(tile.querySelector(".label"), label);
	setText(tile.querySelector(".value"), value);
	setText(tile.querySelector(".limit"), detail);
	setText(tile.querySelector(".state"), word);
}
