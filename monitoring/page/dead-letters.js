/** What could not be an event: by reason, with the newest sample of each and the place at which it is wrong. */
import { drawStale } from "./business.js";
import { bar, byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { ago, count } from "./format.js";

const bars = new WeakMap();

export function drawDeadLetters({ status, business, atMs }) {
	const { deadLetters, counts } = business;
	drawStale(byId("dead-stale"), deadLetters, "The samples");
	const total = counts.value?.deadLetters ?? null;
	const sinceStart = `${count(status.totals.deadLetters)} since this engine started`;
	setText(byId("dead-when"), total === null ? sinceStart : `${count(total)} in Postgres, ${sinceStart}`);
	const reasons = reasonsOf(status.totals.deadLettersByReason, deadLetters.value ?? []);
	const greatest = Math.max(1, ...reasons.map((reason) => reason.count));
	const items = reasons.length > 0 ? reasons : [{ key: "none" }];
	reconcile(
		byId("dead"),
		items,
		({ key }) => key,
		create,
		(element, item) => {
			if (item.key !== "none") update(element, item, greatest, atMs);
		},
	);
}

/** The engine counts since it started; Postgres has samples of before. */
function reasonsOf(byReason, samples) {
	const reasons = new Map();
	for (const [key, amount] of Object.entries(byReason)) {
		const [stage = "", reason = key] = key.split("/");
		reasons.set(`${stage}/${reason}`, {
			key: `${stage}/${reason}`,
			stage,
			reason,
			count: amount,
			sample: null,
		});
	}
	for (const sample of samples) {
		const key = `${sample.stage}/${sample.reason}`;
		const known = reasons.get(key) ?? {
			key,
			stage: sample.stage,
			reason: sample.reason,
			count: 0,
			sample: null,
		};
		known.sample ??= sample;
		reasons.set(key, known);
	}
	return [...reasons.values()].sort((a, b) => b.count - a.count || a.key.localeCompare(b.key));
}

function create({ key }) {
	if (key === "none") return el("p", { class: "card empty" }, "None: every message was an event.");
	const share = bar("lag-bar");
	const element = el(
		"article",
		{ class: "card letter" },
		el(
			"div",
			{ class: "letter-head" },
			el("h3", { class: "reason" }),
			el("span", { class: "stage" }),
			el("span", { class: "amount" }),
			share.element,
		),
		el("p", { class: "detail" }),
		el("pre", { class: "raw", tabindex: "0" }),
		el("p", { class: "place" }),
	);
	bars.set(element, share);
	return element;
}

function update(element, { stage, reason, count: amount, sample }, greatest, atMs) {
	setText(element.querySelector(".reason"), reason);
	setText(element.querySelector(".stage"), stage);
	setText(element.querySelector(".amount"), amount === 0 ? "before this start" : count(amount));
	bars.get(element).set(amount / greatest);
	const [detail, value, place] = [".detail", ".raw", ".place"].map((name) => element.querySelector(name));
	for (const part of [value, place]) part.hidden = sample === null;
	if (sample === null) {
		setText(detail, "None of the newest messages is one of these.");
		return;
	}
	setText(
		detail,
		sample.pointer === null ? (sample.detail ?? "") : `${sample.pointer}: ${sample.detail ?? ""}`,
	);
	drawValue(value, sample);
	setAttribute(value, "aria-label", `Newest value refused for ${reason}`);
	const key = sample.key === null ? "no key" : `key ${sample.key}`;
	setText(
		place,
		`partition ${sample.partition}, offset ${sample.offset} · ${key} · ${ago(sample.createdAtMs, atMs)}`,
	);
}

/** The field that the pointer names is marked; the text around it stays as it was sent. */
function drawValue(place, { value, pointer, bytes, topic, partition, offset }) {
	const shown = `${topic}/${partition}/${offset}`;
	if (place.dataset.shown === shown) return;
	place.dataset.shown = shown;
	if (value === null) {
		place.replaceChildren(el("i", {}, "no value"));
		return;
	}
	const more =
		bytes !== null && bytes > new TextEncoder().encode(value).length ? ` … (${count(bytes)} bytes)` : "";
	const found = pointer === null ? null : fieldIn(value, pointer);
	if (found === null) place.replaceChildren(value === "" ? el("i", {}, "empty") : `${value}${more}`);
	else
		place.replaceChildren(
			value.slice(0, found.from),
			el("mark", {}, value.slice(found.from, found.to)),
			`${value.slice(found.to)}${more}`,
		);
}

/** Where the last name of the pointer and its value stand in the text; null when they are not found. */
function fieldIn(text, pointer) {
	const name = pointer.split("/").at(-1)?.replaceAll("~1", "/").replaceAll("~0", "~") ?? "";
	if (name === "") return null;
	const from = text.indexOf(JSON.stringify(name));
	if (from < 0) return null;
	const value = /^\s*:\s*("(?:[^"\\]|\\.)*"?|[^,}\]]*)/.exec(text.slice(from + JSON.stringify(name).length));
	return value === null ? null : { from, to: from + JSON.stringify(name).length + value[0].length };
}
