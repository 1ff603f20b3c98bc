/**
 * The alerts as the engine itself can judge them, with their own thresholds, windows and times (thresholds.ts): what the
 * page shows in red is what wakes somebody. EngineDown and EngineInstanceDown are missing, for who is down judges nothing.
 */
import { worstLagSeconds } from "./lag-totals.ts";
import type { Business, Signal } from "./live.ts";
import type { LiveSamples, Sample } from "./live-samples.ts";
import { type Standing, Standstill } from "./live-standstill.ts";
import type { EngineStatus } from "./status.ts";
import { ALERTS, type Alert, type AlertName } from "./thresholds.ts";

const MINUTE_MS = 60_000;
/** Watermarks are read every two seconds: older than this, nobody knows what waits in Kafka. */
export const WATERMARKS_STALE_MS = 10_000;

/** What a signal is judged by. */
export interface Look {
	readonly nowMs: number;
	readonly status: EngineStatus;
	readonly samples: LiveSamples;
	readonly business: Business;
}

interface Judgement {
	/** Of the first condition. */
	readonly value: number | null;
	readonly holds: boolean;
	/** What it is judged by is out of date, or was never known. */
	readonly isUnknown?: boolean;
	readonly note?: string | null;
}

type Judge = (look: Look, standing: Standing) => Judgement;

type Judged = Exclude<AlertName, "EngineDown" | "EngineInstanceDown">;

/** In the order in which they are shown: the first question comes first. */
const JUDGES: Readonly<Record<Judged, Judge>> = {
	EngineNotReady: ({ status: { notReady } }) => ({
		value: notReady.length === 0 ? 1 : 0,
		holds: notReady.length > 0,
		note: notReady[0] ?? null,
	}),
	EngineFreshnessHigh: (look) => {
		const value = worstLagSeconds(look.status);
		return { value, holds: (value ?? 0) > limitOf("EngineFreshnessHigh"), ...staleness(look) };
	},
	EngineLagGrowing: (look) => {
		const value = look.samples.newest?.lag ?? null;
		const window = look.samples.within(15 * MINUTE_MS);
		return {
			value,
			holds: (value ?? 0) > limitOf("EngineLagGrowing") && slopePerSecond(window) > 0,
			...staleness(look),
		};
	},
	EngineFlushFailing: ({ nowMs, status, samples }) => {
		const { failures, lastCommitAtMs, lastError } = status.flush;
		const hasLag = (samples.newest?.lag ?? 0) > 0;
		const ageSeconds = hasLag && lastCommitAtMs !== null ? (nowMs - lastCommitAtMs) / 1000 : 0;
		return {
			value: ageSeconds,
			holds: failures > 0 || ageSeconds > limitOf("EngineFlushFailing", 1),
			note: failures > 0 ? `${failures} failed since the last commit: ${lastError}` : status.postgres.trouble,
		};
	},
	EngineStalled: (_look, { stalled }) => ({
		value: stalled.length,
		holds: stalled.length > 0,
		note: stalled.length > 0 ? `partition ${stalled.join(", ")}` : null,
	}),
	EnginePartitionHalted: ({ status: { partitions } }) => {
		const halted = partitions.filter(({ state }) => state === "halted");
		const [first] = halted;
		return {
			value: halted.length,
			holds: halted.length > 0,
			note: first === undefined ? null : `partition ${first.partition}: ${first.haltReason}`,
		};
	},
	EngineDeadLetterRate: ({ samples }) => {
		const window = samples.within(5 * MINUTE_MS);
		const dead = increaseOf(window, ({ deadLetters }) => deadLetters);
		return share("EngineDeadLetterRate", dead, dead + increaseOf(window, ({ stored }) => stored));
	},
	EngineLateEvents: ({ samples }) => {
		const window = samples.within(15 * MINUTE_MS);
		const late = increaseOf(window, (sample) => sample.late);
		return share(
			"EngineLateEvents",
			late,
			increaseOf(window, ({ stored }) => stored),
		);
	},
	EngineRebalanceStorm: ({ samples }) => {
		const value = increaseOf(samples.within(10 * MINUTE_MS), ({ rebalances }) => rebalances);
		return { value, holds: value > limitOf("EngineRebalanceStorm") };
	},
	EngineActorRestarting: ({ samples }) => {
		const value = increaseOf(samples.within(15 * MINUTE_MS), ({ restarts }) => restarts);
		return { value, holds: value > limitOf("EngineActorRestarting") };
	},
	EngineNoEvents: ({ nowMs, status, samples }) => {
		const window = samples.within(5 * MINUTE_MS);
		const value = ratePerSecond(window, ({ consumed }) => consumed);
		const hour = new Date(nowMs).getUTCHours();
		const isBusinessHour = hour >= limitOf("EngineNoEvents", 2) && hour < limitOf("EngineNoEvents", 3);
		return { value, holds: value === 0 && status.notReady.length === 0 && isBusinessHour };
	},
	EngineOldestSnapshot: ({ status: { postgres } }) => {
		const value = postgres.oldestSnapshotSeconds;
		return {
			value,
			holds: (value ?? 0) > limitOf("EngineOldestSnapshot"),
			isUnknown: postgres.trouble !== null,
		};
	},
	PayoutRatioHigh: ({ business: { hours } }) => {
		const revenue = sumOf(hours.value ?? [], (hour) => Number(hour.revenue));
		const payouts = sumOf(hours.value ?? [], (hour) => Number(hour.payouts));
		const value = payouts === 0 ? (revenue === 0 ? null : 0) : payouts / revenue;
		return {
			value,
			holds: (value ?? 0) > limitOf("PayoutRatioHigh") && payouts > limitOf("PayoutRatioHigh", 1),
			isUnknown: hours.value === null || hours.trouble !== null,
		};
	},
};

/** Remembers since when each condition holds, as Prometheus does: one look at which it does not, and it begins anew. */
export class LiveSignals {
	readonly #sinceMs = new Map<Judged, number>();
	readonly #standstill = new Standstill();

	/** To be called at every sample, watched or not: else nobody knew since when. */
	look(look: Look): readonly Signal[] {
		const standing = this.#standstill.look(look.status.partitions, look.nowMs);
		return (Object.keys(JUDGES) as Judged[]).map((name) => {
			const judgement = JUDGES[name](look, standing);
			if (!judgement.holds) this.#sinceMs.delete(name);
			else if (!this.#sinceMs.has(name)) this.#sinceMs.set(name, look.nowMs);
			return signalOf(name, judgement, this.#sinceMs.get(name) ?? null, look.nowMs);
		});
	}
}

function signalOf(alert: Judged, judgement: Judgement, sinceMs: number | null, nowMs: number): Signal {
	const { severity, forSeconds }: Alert = ALERTS[alert];
	const shown = alert === "EngineFlushFailing" ? 1 : 0;
	const { unit, value: limit } = conditionOf(alert, shown);
	const state =
		sinceMs === null
			? judgement.isUnknown
				? "unknown"
				: "ok"
			: nowMs - sinceMs >= forSeconds * 1000
				? "firing"
				: "pending";
	return {
		alert,
		state,
		severity,
		value: judgement.value,
		unit,
		limit,
		sinceMs,
		forSeconds,
		note: judgement.note ?? null,
		runbook: `docs/runbooks/${alert.replace(/(?<!^)[A-Z]/g, "-$&").toLowerCase()}.md`,
	};
}

function conditionOf(name: Judged, index: number) {
	const { conditions }: Alert = ALERTS[name];
	const condition = conditions[index];
	if (condition === undefined) throw new RangeError(`${name} has no condition ${index}`);
	return condition;
}

function limitOf(name: Judged, index = 0): number {
	return conditionOf(name, index).value;
}

/** A lag of an old reading is what it was then. */
function staleness({ nowMs, status }: Look): Pick<Judgement, "isUnknown" | "note"> {
	const readings = status.partitions.map(({ watermarksAtMs }) => watermarksAtMs);
	const oldest = readings.includes(null) ? null : readings.reduce<number>((a, b) => Math.min(a, b!), nowMs);
	if (readings.length === 0) return { isUnknown: true, note: "no partition is ours" };
	if (oldest === null) return { isUnknown: true, note: "not known yet" };
	if (nowMs - oldest <= WATERMARKS_STALE_MS) return { isUnknown: false, note: null };
	return { isUnknown: true, note: `as of ${Math.round((nowMs - oldest) / 1000)} s ago` };
}

/** A share of nothing is no share. */
function share(name: Judged, part: number, whole: number): Judgement {
	const value = whole > 0 ? part / whole : null;
	return { value, holds: (value ?? 0) > limitOf(name) };
}

function increaseOf(window: readonly Sample[], pick: (sample: Sample) => number): number {
	const [first, last] = [window[0], window.at(-1)];
	return first === undefined || last === undefined ? 0 : Math.max(0, pick(last) - pick(first));
}

function ratePerSecond(window: readonly Sample[], pick: (sample: Sample) => number): number | null {
	const [first, last] = [window[0], window.at(-1)];
	if (first === undefined || last === undefined || last.atMs <= first.atMs) return null;
	return increaseOf(window, pick) / ((last.atMs - first.atMs) / 1000);
}

/** Of the lag, by least squares, as Prometheus's `deriv` has it; 0 with fewer than two known values. */
function slopePerSecond(window: readonly Sample[]): number {
	const known = window.filter((sample): sample is Sample & { lag: number } => sample.lag !== null);
	if (known.length < 2) return 0;
	const meanMs = sumOf(known, ({ atMs }) => atMs) / known.length;
	const meanLag = sumOf(known, ({ lag }) => lag) / known.length;
	const covariance = sumOf(known, ({ atMs, lag }) => (atMs - meanMs) * (lag - meanLag));
	const variance = sumOf(known, ({ atMs }) => (atMs - meanMs) ** 2);
	return variance === 0 ? 0 : (covariance / variance) * 1000;
}

function sumOf<T>(values: readonly T[], pick: (value: T) => number): number {
	return values.reduce((sum, value) => sum + pick(value), 0);
}
