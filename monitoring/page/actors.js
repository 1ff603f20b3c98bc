/** Each worker thread: how busy, how much waits for it, how often it was lost. */
import { bar, byId, el, setText } from "./dom.js";
import { bytes, count, duration, percent, rate } from "./format.js";
import { cellText, table } from "./tables.js";

let rows = null;
const bars = new WeakMap();

export function drawActors({ status, rates, atMs }) {
	rows ??= table(byId("actors"), {
		caption: "Actors",
		empty: "No actor runs.",
		columns: [
			{ name: "#", class: "text" },
			{ name: "Busy", class: "text", title: "Share of its time that it was folding events" },
			{ name: "Events/s" },
			{ name: "Mailbox", title: "Slices posted and not folded yet" },
			{ name: "Bytes", class: "number wide" },
			{ name: "Up", class: "number wide" },
			{ name: "Lost", title: "Times it was lost and started again" },
		],
	});
	rows.set(
		status.actors,
		({ shard }) => String(shard),
		([number, busy, perSecond, mailbox, size, up, lost], actor) => {
			cellText(number, String(actor.shard));
			drawBusy(busy, rates.actorsBusy[actor.shard] ?? null);
			cellText(mailbox, count(actor.mailboxSlices));
			cellText(size, bytes(actor.mailboxBytes));
			cellText(perSecond, rate(rates.actorsPerSecond[actor.shard]));
			cellText(up, duration(Math.round((atMs - actor.startedAtMs) / 1000)));
			cellText(lost, count(actor.restarts));
		},
	);
}

function drawBusy(cell, share) {
	let drawn = bars.get(cell);
	if (drawn === undefined) {
		drawn = { share: bar("busy-bar"), figure: el("span") };
		bars.set(cell, drawn);
		cell.append(drawn.share.element, drawn.figure);
	}
	drawn.share.set(share ?? 0);
	setText(drawn.figure, percent(share));
}
