import { CENTS_CARRY, type FrozenPart, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";

/** One hour's change by a set, over all actors and partitions. */
export interface HourlyDelta {
	/** Whole hours since 1970 UTC. */
	readonly hour: number;
	/** Money is `hi * CENTS_CARRY + lo` cents, as in a window. */
	revenueHi: number;
	revenueLo: number;
	ticketCount: number;
	payoutHi: number;
	payoutLo: number;
	payoutEvents: number;
	loginCount: number;
	eventCount: number;
}

/** Adds up the deltas of all parts, in the order in which every engine locks the hourly rows. */
export function hourlyDeltas(parts: readonly FrozenPart[]): HourlyDelta[] {
	const deltas = new Map<number, HourlyDelta>();
	for (const part of parts) {
		for (const { windows } of part.folds) {
			for (let at = 0; at < windows.length; at += WINDOW_STRIDE) add(deltas, windows, at);
		}
	}
	return [...deltas.values()].sort((a, b) => a.hour - b.hour);
}

/** With many hours and partitions nearly every event has a window of its own: numbers with a carry, no bigint. */
function add(deltas: Map<number, HourlyDelta>, windows: Float64Array, at: number): void {
	const hour = windows[at + WINDOW.hour]!;
	let delta = deltas.get(hour);
	if (delta === undefined) {
		delta = newDelta(hour);
		deltas.set(hour, delta);
	}
	delta.revenueHi += windows[at + WINDOW.revenueHi]!;
	delta.revenueLo += windows[at + WINDOW.revenueLo]!;
	if (delta.revenueLo >= CENTS_CARRY) {
		delta.revenueLo -= CENTS_CARRY;
		delta.revenueHi++;
	}
	delta.ticketCount += windows[at + WINDOW.ticketCount]!;
	delta.payoutHi += windows[at + WINDOW.payoutHi]!;
	delta.payoutLo += windows[at + WINDOW.payoutLo]!;
	if (delta.payoutLo >= CENTS_CARRY) {
		delta.payoutLo -= CENTS_CARRY;
		delta.payoutHi++;
	}
	delta.payoutEvents += windows[at + WINDOW.payoutEvents]!;
	delta.loginCount += windows[at + WINDOW.loginCount]!;
	delta.eventCount += windows[at + WINDOW.eventCount]!;
}

function newDelta(hour: number): HourlyDelta {
	return {
		hour,
		revenueHi: 0,
		revenueLo: 0,
		ticketCount: 0,
		payoutHi: 0,
		payoutLo: 0,
		payoutEvents: 0,
		loginCount: 0,
		eventCount: 0,
	};
}
