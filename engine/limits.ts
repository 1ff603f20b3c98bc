/**
 * Every bound of the engine's core, with its unit. Derived once from the configuration; `assertLimits` states how they
 * relate, so that no setting can make a queue wait for itself (performance.md: a flush size above the in-flight
 * window hung 7 of 7 runs).
 */
export interface Limits {
	/** A set is frozen at this many records ... */
	readonly flushRowsMax: number;
	/** ... or this many bytes of records ... */
	readonly flushBytesMax: number;
	/** ... or this long after its first record, later when commits are slow (flusher.ts). */
	readonly flushIntervalMs: number;
	/** Bytes in sets not yet committed above which Kafka is paused (reason `flush`). */
	readonly setBytesMax: number;
	/** Bytes in slices not yet folded above which Kafka is paused (reason `actors`). */
	readonly actorBytesMax: number;
	/** A transfer buffer is posted at this size ... */
	readonly sliceBytesMax: number;
	/** ... or this long after its first record. */
	readonly sliceDelayMs: number;
	/** An actor with work and no answer for this long is lost. */
	readonly actorSilenceMsMax: number;
	/** The same for an actor that holds suspects: a hang is then expected, and each costs this much. */
	readonly suspectSilenceMsMax: number;
	/** More actors lost than this within `actorLossWindowMs` end the process: it is our bug, or the machine's memory. */
	readonly actorLossesMax: number;
	readonly actorLossWindowMs: number;
	/** More records condemned for killing actors than this within `condemnedWindowMs` end the process: it is our bug. */
	readonly condemnedMax: number;
	readonly condemnedWindowMs: number;
	/** More consumer crashes than this within `crashWindowMs` end the process. */
	readonly crashesMax: number;
	readonly crashWindowMs: number;
	/** Recovery backoff: first wait, and the longest. */
	readonly backoffMs: number;
	readonly backoffMsMax: number;
	/** Without an answered heartbeat for this long the engine is not ready; they come every second. */
	readonly groupSilenceMsMax: number;
	/** A commit takes well under a second; the longest honest wait, for a frozen engine's lock, ends after 5 s. */
	readonly flushSilenceMsMax: number;
	/** How often the watermarks are read. */
	readonly watermarkIntervalMs: number;
	/** What is charged for a record beyond its key, value and headers: its index entry, its share of the row and of the ids. */
	readonly recordOverheadBytes: number;
}

export interface LimitSettings {
	readonly flushIntervalMs: number;
	readonly flushRowsMax: number;
	readonly inFlightBytesMax: number;
}

export function limitsOf(settings: LimitSettings): Limits {
	const limits: Limits = {
		flushRowsMax: settings.flushRowsMax,
		flushIntervalMs: settings.flushIntervalMs,
		flushBytesMax: Math.floor(settings.inFlightBytesMax / 4),
		setBytesMax: settings.inFlightBytesMax,
		actorBytesMax: Math.floor(settings.inFlightBytesMax / 4),
		sliceBytesMax: 64 * 1024,
		sliceDelayMs: 5,
		actorSilenceMsMax: 30_000,
		suspectSilenceMsMax: 5_000,
		actorLossesMax: 5,
		actorLossWindowMs: 60_000,
		condemnedMax: 100,
		condemnedWindowMs: 60 * 60_000,
		crashesMax: 10,
		crashWindowMs: 10 * 60_000,
		backoffMs: 200,
		backoffMsMax: 10_000,
		groupSilenceMsMax: 5_000,
		flushSilenceMsMax: 10_000,
		watermarkIntervalMs: 2_000,
		recordOverheadBytes: 64,
	};
	assertLimits(limits);
	return limits;
}

function assertLimits(limits: Limits): void {
	const rules: readonly (readonly [boolean, string])[] = [
		[limits.flushRowsMax >= 1, "flushRowsMax >= 1"],
		[limits.flushIntervalMs >= 1, "flushIntervalMs >= 1"],
		[limits.flushBytesMax * 2 <= limits.setBytesMax, "two sets fit into setBytesMax"],
		[limits.sliceBytesMax * 2 <= limits.actorBytesMax, "two slices fit into actorBytesMax"],
		[limits.backoffMs <= limits.backoffMsMax, "backoffMs <= backoffMsMax"],
	];
	for (const [holds, rule] of rules) if (!holds) throw new RangeError(`limits: ${rule} does not hold`);
}
