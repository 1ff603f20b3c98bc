/** Connects to the engine, and hands each snapshot to whoever draws a part of it. */
import { drawActors } from "./actors.js";
import { drawBusiness } from "./business.js";
import { drawConfig } from "./config.js";
import { connect } from "./connection.js";
import { drawDeadLetters } from "./dead-letters.js";
import { byId, setAttribute, setText } from "./dom.js";
import { drawFlow } from "./flow.js";
import { clock, duration } from "./format.js";
import { drawPartitions } from "./partitions.js";
import { drawSignals } from "./signals.js";
import { appendTimes, restoreTimes } from "./times.js";
import { drawVerdict } from "./verdict.js";

/** Of the page's files, as the first engine said it. */
let build = null;
/** The newest snapshot; null before the first. */
let page = null;

connect({
	hello({ build: theirs, config, history }) {
		// Another version of the engine answers: its page may expect other figures.
		if (build !== null && build !== theirs) {
			location.reload();
			return;
		}
		build = theirs;
		drawConfig(config);
		restoreTimes(history);
	},
	page(next) {
		page = next;
		drawIdentity(next);
		drawSignals(next);
		drawFlow(next);
		appendTimes(next);
		drawBusiness(next);
		drawPartitions(next);
		drawActors(next);
		drawDeadLetters(next);
	},
	/** Also without a snapshot: that none comes is worth saying. */
	connection(connection) {
		setAttribute(document.body, "data-connection", connection.state);
		setText(byId("connection-text"), connectionText(connection));
		drawVerdict(page, connection);
	},
});

function connectionText({ state, silentMs }) {
	if (state === "live") return page === null ? "live" : `live ${clock(page.atMs)}`;
	if (state === "connecting") return "connecting";
	if (state === "stale") return `no update for ${duration(Math.round(silentMs / 1000))}`;
	return page === null ? "not connected" : `not connected, as of ${clock(page.atMs)}`;
}

function drawIdentity({ status, atMs }) {
	const { topic, groupId, version, pid, startedAtMs } = status;
	const up = duration(Math.round((atMs - startedAtMs) / 1000));
	setText(byId("identity"), `${topic} · group ${groupId} · version ${version} · pid ${pid} · up ${up}`);
	const trouble = status.notReady.length > 0 ? "✕ " : "";
	document.title = `${trouble}Lottery engine · ${topic}`;
}
