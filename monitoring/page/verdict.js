/** One sentence on top: is it well, and if not, what is the matter and what does it mean for the figures below. */
import { byId, el, setAttribute, setText } from "./dom.js";
import { clock, count, duration } from "./format.js";

/** Below it a backlog is a fraction of a second of work. */
const BACKLOG_FROM = 10_000;

export function drawVerdict(page, connection) {
	const verdict = ofConnection(page, connection) ?? ofEngine(page);
	setAttribute(byId("verdict"), "data-level", verdict.level);
	setText(byId("verdict-title"), verdict.title);
	setText(byId("verdict-text"), verdict.text);
	const list = byId("verdict-reasons");
	const reasons = verdict.reasons ?? [];
	list.hidden = reasons.length === 0;
	if (JSON.stringify(reasons) !== list.dataset.shown) {
		list.dataset.shown = JSON.stringify(reasons);
		list.replaceChildren(...reasons.map((reason) => el("li", {}, reason)));
	}
}

/** What the connection itself has to say; null while it is fine. */
function ofConnection(page, { state, silentMs }) {
	const asOf = page === null ? "" : ` What you see is of ${clock(page.atMs)}.`;
	if (state === "disconnected")
		return {
			level: "away",
			title: page === null ? "The engine cannot be reached" : "The engine does not answer any more",
			text: `It was stopped, has crashed, or the network between is down. This page tries again every two seconds.${asOf}`,
		};
	if (state === "refused")
		return {
			level: "away",
			title: "The engine lets no more viewers in",
			text: `As many as it serves are watching already. This page tries again every few seconds.${asOf}`,
		};
	if (state === "stale")
		return {
			level: "stale",
			title: `No update for ${duration(Math.round(silentMs / 1000))}`,
			text: `The engine keeps the connection open and says nothing: it is frozen, its main thread is busy, or the network is.${asOf}`,
		};
	if (page === null)
		return {
			level: "unknown",
			title: "Connecting to the engine",
			text: "The first figures come within a second.",
		};
	return null;
}

function ofEngine(page) {
	const { status, signals, atMs, rates } = page;
	if (status.notReady.length > 0) return notReady(page);
	// What may become a ticket in half an hour is for the tiles, not for the headline.
	const raised = signals.filter(
		({ state, severity }) => state === "firing" || (state === "pending" && severity === "page"),
	);
	const lag = totalLag(status);
	if (raised.some(({ state, severity }) => state === "firing" && severity === "page"))
		return {
			level: "bad",
			title: "Running, and an alert is firing",
			text: "The red tile below leads to its runbook.",
			reasons: raised.map(sentenceOf),
		};
	if (lag > BACKLOG_FROM) {
		const left = rates.storedPerSecond > 0 ? lag / Math.max(1, rates.storedPerSecond) : null;
		return {
			level: raised.length > 0 ? "warn" : "busy",
			title: `Catching up: ${count(lag)} events wait`,
			text:
				left === null
					? "None was stored in the last seconds."
					: `At the present rate they are stored in ${duration(left)}, if nothing more came.`,
			reasons: raised.map(sentenceOf),
		};
	}
	if (raised.length > 0)
		return {
			level: "warn",
			title: "Running; something is beyond its limit",
			text: "The amber tiles below lead to their runbooks.",
			reasons: raised.map(sentenceOf),
		};
	if (status.totals.consumed === 0)
		return {
			level: "good",
			title: "Ready; no event has come since the start",
			text: `Waiting for topic ${status.topic}. Everything that was there is stored.`,
		};
	return {
		level: "good",
		title: "Running; what comes is stored",
		text:
			status.latency === null
				? `Nothing came in the last minute. Last commit at ${clock(status.flush.lastCommitAtMs)}.`
				: `99 of 100 events of the last minute were in Postgres within ${duration(status.latency.p99Seconds)}. Last commit at ${clock(status.flush.lastCommitAtMs ?? atMs)}.`,
	};
}

function notReady({ status, signals, business, atMs }) {
	const { kafka, postgres, partitions } = status;
	const since = signals.find(({ alert }) => alert === "EngineNotReady")?.sinceMs ?? null;
	const held = since === null ? "" : ` for ${duration(Math.max(1, Math.round((atMs - since) / 1000)))}`;
	const halted = partitions.filter(({ state }) => state === "halted");
	const consequences = [];
	if (postgres.trouble !== null) {
		consequences.push("Nothing is stored and nothing is lost: Kafka keeps what comes.");
		const { readAtMs } = business.hours;
		consequences.push(
			readAtMs === null
				? "The business figures cannot be read."
				: `The business figures below are of ${clock(readAtMs)}.`,
		);
	}
	if (kafka.trouble !== null) {
		const readings = partitions.map((one) => one.watermarksAtMs).filter((one) => one !== null);
		consequences.push(
			readings.length === 0
				? "How much waits there is not known."
				: `The lag below is of ${clock(Math.min(...readings))}; what has come since is not known. What was stored stays right.`,
		);
	}
	const title =
		kafka.trouble !== null && postgres.trouble !== null
			? "Not ready: neither Kafka nor Postgres does its part"
			: postgres.trouble !== null
				? "Not ready: Postgres does not store"
				: kafka.trouble !== null
					? "Not ready: Kafka does not answer"
					: halted.length > 0
						? `Not ready: partition ${halted.map(({ partition }) => partition).join(", ")} halted`
						: `Not ready: ${status.state}`;
	return {
		// A start takes seconds, and is nobody's fault.
		level: status.state === "starting" && since !== null && atMs - since < 15_000 ? "unknown" : "bad",
		title: `${title}${held}`,
		text: consequences.join(" ") || "It becomes ready by itself, or the reasons below say what is missing.",
		reasons: status.notReady,
	};
}

function sentenceOf({ alert, note, state }) {
	const name = alert.replace(/^Engine/, "").replace(/(?<!^)([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
	return `${name}${state === "firing" ? " (firing)" : ""}${note === null ? "" : `: ${note}`}`;
}

export function totalLag({ partitions }) {
	return partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
}
