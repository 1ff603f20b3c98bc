/** How busy an actor was since the last scrape, from a total that only grows while its thread lives. */
import type { ActorStatus } from "./status.ts";

/**
 * Two scrapers, or a scraper and a person with curl, must not cut each other's interval to nothing: a reading sooner
 * than this after the last one repeats it.
 */
export const BUSY_INTERVAL_MS_MIN = 1000;

interface Reading {
	readonly startedAtMs: number;
	readonly busyMs: number;
	readonly atMs: number;
	readonly ratio: number;
}

/**
 * Gives the share of the time (0 to 1) since its last reading that the actor was folding; at its first reading, and
 * at the first after a restart, since its thread started. Actors that are gone are forgotten.
 */
export function createBusyRatios(): (
	actors: readonly ActorStatus[],
	nowMs: number,
) => ReadonlyMap<number, number> {
	let last = new Map<number, Reading>();
	return (actors, nowMs) => {
		const next = new Map<number, Reading>();
		for (const actor of actors) next.set(actor.shard, read(actor, last.get(actor.shard), nowMs));
		last = next;
		return new Map([...next].map(([shard, reading]) => [shard, reading.ratio]));
	};
}

function read(actor: ActorStatus, before: Reading | undefined, nowMs: number): Reading {
	const same =
		before !== undefined && before.startedAtMs === actor.startedAtMs && before.busyMs <= actor.busyMs;
	const sinceMs = nowMs - (same ? before.atMs : actor.startedAtMs);
	if (same && sinceMs < BUSY_INTERVAL_MS_MIN) return before;
	const busyMs = actor.busyMs - (same ? before.busyMs : 0);
	// A fold is booked when it ends, so that one which began before the interval may fill more than all of it.
	const ratio = sinceMs > 0 ? Math.min(1, Math.max(0, busyMs / sinceMs)) : 0;
	return { startedAtMs: actor.startedAtMs, busyMs: actor.busyMs, atMs: nowMs, ratio };
}
