/** Kafka → actors → flush → Postgres, each with how loaded it is, and between them what passes. */
import { bar, byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { ago, bytes, count, duration, percent, rate, short } from "./format.js";
import { totalLag } from "./verdict.js";

const NAMES = { kafka: "Kafka", actors: "Actors", flush: "Flush", postgres: "Postgres" };
const LOADS = { idle: "idle", busy: "busy", backpressured: "back-pressured", away: "away" };

/** Two lines of figures for each step. */
const LINES = {
	kafka: ({ status }) => [
		`${count(status.partitions.length)} ${status.partitions.length === 1 ? "partition" : "partitions"}`,
		`${short(totalLag(status))} waiting`,
	],
	actors: ({ status }) => {
		const { actorBytes, actorBytesMax } = status.credit;
		const slices = status.actors.reduce((sum, { mailboxSlices }) => sum + mailboxSlices, 0);
		return [
			`${status.actors.length} threads, ${count(slices)} slices queued`,
			`${bytes(actorBytes)} of ${bytes(actorBytesMax)} in mailboxes`,
		];
	},
	flush: ({ status }) => {
		const { open, waiting, committing } = status.sets;
		const records = [open, waiting, committing].reduce((sum, set) => sum + (set?.records ?? 0), 0);
		const { setBytes, setBytesMax } = status.credit;
		return [`${short(records)} records in memory`, `${bytes(setBytes)} of ${bytes(setBytesMax)} uncommitted`];
	},
	postgres: ({ status, atMs }) => {
		const { lastCommitAtMs, lastDurationMs, lastRows } = status.flush;
		if (lastCommitAtMs === null) return ["no commit yet", ""];
		return [
			`last commit ${ago(lastCommitAtMs, atMs)}`,
			`${short(lastRows)} rows in ${duration((lastDurationMs ?? 0) / 1000)}`,
		];
	},
};

/** What passes on the way to the next step. */
const EDGES = {
	kafka: ({ rates }) => [rate(rates.consumedPerSecond), "events/s"],
	actors: ({ rates }) => [rate(rates.commitsPerSecond), "sets/s"],
	flush: ({ rates }) => {
		const { storedPerSecond, deadLettersPerSecond } = rates;
		return [storedPerSecond === null ? rate(null) : rate(storedPerSecond + deadLettersPerSecond), "rows/s"];
	},
};

export function drawFlow(page) {
	const items = page.flow.flatMap((node) =>
		node.name === "postgres" ? [node] : [node, { name: `${node.name}-edge`, from: node.name }],
	);
	reconcile(
		byId("flow"),
		items,
		({ name }) => name,
		create,
		(element, item) => {
			if (item.from === undefined) updateNode(element, item, page);
			else updateEdge(element, EDGES[item.from](page));
		},
	);
	const { seconds } = page.rates;
	setText(byId("flow-window"), seconds === 0 ? "first look" : `rates over the last ${Math.round(seconds)} s`);
}

function create({ name, from }) {
	if (from !== undefined)
		return el(
			"li",
			{ class: "edge" },
			el("span", { class: "amount" }),
			el("span", { class: "unit" }),
			el("span", { class: "arrow", "aria-hidden": "true" }),
		);
	const share = bar();
	const element = el(
		"li",
		{ class: "node card" },
		el("p", { class: "head" }, el("strong", {}, NAMES[name]), el("span", { class: "load" })),
		share.element,
		el("p", { class: "line" }),
		el("p", { class: "line" }),
		el("p", { class: "why" }),
	);
	bars.set(element, share);
	return element;
}

const bars = new WeakMap();

function updateNode(element, node, page) {
	setAttribute(element, "data-load", node.load);
	const share = node.busy === null ? "" : ` ${percent(node.busy)}`;
	setText(element.querySelector(".load"), `${LOADS[node.load]}${node.load === "idle" ? "" : share}`);
	bars.get(element).set(node.busy ?? (node.load === "idle" ? 0 : 1));
	const [first, second] = element.querySelectorAll(".line");
	const [one, two] = LINES[node.name](page);
	setText(first, one);
	setText(second, two);
	setText(element.querySelector(".why"), node.why ?? "");
}

function updateEdge(element, [amount, unit]) {
	setText(element.querySelector(".amount"), amount);
	setText(element.querySelector(".unit"), unit);
	setAttribute(element, "data-moving", amount === "0" || amount === "–" ? "no" : "yes");
}
