/** The last quarter of an hour: what the engine remembers, and what came since. */
import { chart } from "./charts.js";
import { byId } from "./dom.js";
import { clock, duration, short } from "./format.js";
import { totalLag } from "./verdict.js";

const POINTS_MAX = 15 * 60;
/** A page of an engine that has just started should not draw its first seconds a screen wide. */
const WIDTH_SECONDS_MIN = 120;

let times = { atMs: [], consumed: [], stored: [], lag: [], p50: [], p99: [] };
let charts = null;

export function restoreTimes(history) {
	times = {
		atMs: [...history.atMs],
		consumed: [...history.consumedPerSecond],
		stored: [...history.storedPerSecond],
		lag: [...history.lag],
		p50: [...history.p50Seconds],
		p99: [...history.p99Seconds],
	};
}

export function appendTimes({ atMs, rates, status }) {
	if (atMs > (times.atMs.at(-1) ?? 0)) {
		const hasLag = status.partitions.some(({ lag }) => lag !== null);
		times.atMs.push(atMs);
		times.consumed.push(rates.consumedPerSecond);
		times.stored.push(rates.storedPerSecond);
		times.lag.push(hasLag ? totalLag(status) : null);
		times.p50.push(status.latency?.p50Seconds ?? null);
		times.p99.push(status.latency?.p99Seconds ?? null);
		for (const column of Object.values(times)) column.splice(0, column.length - POINTS_MAX);
	}
	charts ??= makeCharts();
	const seconds = times.atMs.map((ms) => ms / 1000);
	charts.rate.set([seconds, times.consumed, times.stored]);
	charts.latency.set([seconds, times.p99, times.p50]);
	charts.lag.set([seconds, times.lag]);
}

function makeCharts() {
	const common = {
		xRange: (min, max) => [Math.min(min, max - WIDTH_SECONDS_MIN), max],
		when: (seconds) => clock(seconds * 1000),
	};
	return {
		rate: chart(byId("chart-rate"), {
			...common,
			title: "Events per second",
			axis: short,
			series: [
				{ label: "read", colour: "series-a" },
				{ label: "stored", colour: "series-b" },
			],
		}),
		latency: chart(byId("chart-latency"), {
			...common,
			title: "From Kafka to Postgres",
			axis: duration,
			series: [
				{ label: "99 %", colour: "series-c" },
				{ label: "half", colour: "series-a" },
			],
		}),
		lag: chart(byId("chart-lag"), {
			...common,
			title: "Waiting events",
			axis: short,
			series: [{ label: "lag", colour: "series-a", kind: "area" }],
		}),
	};
}
