/** Each partition of this engine: does it flow, and how far behind is it. */
import { bar, byId, el, setAttribute, setText } from "./dom.js";
import { ago, clock, count, dayAndMinute, duration, UNKNOWN } from "./format.js";
import { cellText, table } from "./tables.js";

/** More than fit on a screen tell nothing; the worst are shown first then. */
const ROWS_MAX = 100;
const STALE_MS = 10_000;

/** Why Kafka is paused for it, in words. */
const REASONS = {
	claim: "being claimed in Postgres",
	halted: "halted",
	position: "checking where it stands",
	suspect: "trying a suspect message alone",
	recovery: "recovering",
	actors: "actors are behind",
	flush: "Postgres is behind",
	stopping: "stopping",
};

let rows = null;
const bars = new WeakMap();

export function drawPartitions({ status, atMs }) {
	rows ??= table(byId("partitions"), {
		caption: "Partitions of this engine",
		empty: "No partition is ours: the group has not decided yet, or other engines have them all.",
		columns: [
			{ name: "#", class: "text" },
			{ name: "State", class: "text" },
			{ name: "Lag", title: "Events in Kafka that are not in Postgres" },
			{ name: "Behind", title: "Age of the oldest of them" },
			{ name: "Stored up to", class: "number wide", title: "Offset that Postgres has counted up to" },
			{ name: "Watermark", class: "number wide", title: "Newest event time stored, UTC" },
		],
	});
	const all = [...status.partitions];
	const shown =
		all.length <= ROWS_MAX ? all : all.sort((a, b) => (b.lag ?? 0) - (a.lag ?? 0)).slice(0, ROWS_MAX);
	const greatest = Math.max(1, ...all.map(({ lag }) => lag ?? 0));
	rows.set(
		shown,
		({ partition }) => String(partition),
		([number, state, lag, behind, offset, watermark], one, row) => {
			const isHalted = one.state === "halted";
			const paused = one.pausedReasons.map((reason) => REASONS[reason] ?? reason);
			setAttribute(
				row,
				"data-state",
				isHalted ? "halted" : one.state !== "running" || paused.length > 0 ? "paused" : "flowing",
			);
			cellText(number, String(one.partition));
			const text = isHalted
				? `halted: ${one.haltReason ?? ""}`
				: paused.length > 0
					? `paused: ${paused.join(", ")}`
					: one.state === "running"
						? "flowing"
						: one.state;
			cellText(state, text);
			drawLag(lag, one.lag, greatest);
			cellText(behind, duration(one.lagSeconds));
			cellText(offset, count(one.durableOffset));
			const newest = one.newestEventMs;
			cellText(
				watermark,
				newest === null ? UNKNOWN : dayAndMinute(newest),
				newest === null ? null : ago(newest, atMs),
			);
		},
	);
	setText(byId("partitions-when"), whenOf(all, shown.length, atMs));
}

function drawLag(cell, lag, greatest) {
	let drawn = bars.get(cell);
	if (drawn === undefined) {
		drawn = { share: bar("lag-bar"), figure: el("span") };
		bars.set(cell, drawn);
		cell.append(el("div", { class: "lag-cell" }, drawn.share.element, drawn.figure));
	}
	drawn.share.set((lag ?? 0) / greatest);
	setText(drawn.figure, count(lag));
}

function whenOf(all, shown, atMs) {
	const readings = all.map(({ watermarksAtMs }) => watermarksAtMs).filter((ms) => ms !== null);
	const oldest = readings.length === 0 ? null : Math.min(...readings);
	const some = shown < all.length ? `${shown} of ${all.length}, the worst first` : "";
	const old =
		oldest !== null && atMs - oldest > STALE_MS ? `lag as of ${clock(oldest)}: Kafka was not read since` : "";
	return [some, old].filter((text) => text !== "").join(" · ");
}
