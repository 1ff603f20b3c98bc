import { centsOf, type FrozenPart, WINDOW, WINDOW_STRIDE } from "../../workers/part.ts";

/** One hour's change by a set, over all actors and partitions. */
export interface HourlyDelta {
	/** Whole hours since 1970 UTC. */
	readonly hour: number;
	revenueCents: bigint;
	ticketCount: number;
	payoutCents: bigint;
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

function add(deltas: Map<number, HourlyDelta>, windows: Float64Array, at: number): void {
	const column = (offset: number): number => windows[at + offset]!;
	const hour = column(WINDOW.hour);
	let delta = deltas.get(hour);
	if (delta === undefined) {
		delta = {
			hour,
			revenueCents: 0n,
			ticketCount: 0,
			payoutCents: 0n,
			payoutEvents: 0,
			loginCount: 0,
			eventCount: 0,
		};
		deltas.set(hour, delta);
	}
	delta.revenueCents += centsOf(column(WINDOW.revenueHi), column(WINDOW.revenueLo));
	delta.ticketCount += column(WINDOW.ticketCount);
	delta.payoutCents += centsOf(column(WINDOW.payoutHi), column(WINDOW.payoutLo));
	delta.payoutEvents += column(WINDOW.payoutEvents);
	delta.loginCount += column(WINDOW.loginCount);
	delta.eventCount += column(WINDOW.eventCount);
}
