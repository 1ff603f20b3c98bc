/** Writing `event_time` the ways applications do, quickly: the second's text is made once for all its events. */
import type { Random } from "./random.ts";

/** Shares of the ways a time is written; the rest has neither fraction nor zone, as the platform's own events. */
const WITH_FRACTION = 0.2;
const WITH_Z = 0.1;
const WITH_ZONE = 0.02;

const ZONE_MINUTES = [60, 120, 330, -300, -570, 840] as const;

/** `2025-06-01T15:14:00` for a moment in whole seconds since 1970. */
export function isoSeconds(seconds: number): string {
	return new Date(seconds * 1000).toISOString().slice(0, 19);
}

function offsetText(minutes: number): string {
	const size = Math.abs(minutes);
	const pad = (value: number) => String(value).padStart(2, "0");
	return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/**
 * @param seconds the moment, whole seconds since 1970
 * @param plain `isoSeconds(seconds)`
 * @returns one of its spellings; the same second in all of them
 */
export function spellMoment(seconds: number, plain: string, random: Random): string {
	const dice = random.float();
	if (dice < WITH_FRACTION) return `${plain}.${String(random.below(1000)).padStart(3, "0")}`;
	if (dice < WITH_FRACTION + WITH_Z) return `${plain}Z`;
	if (dice < WITH_FRACTION + WITH_Z + WITH_ZONE) {
		const minutes = random.pick(ZONE_MINUTES);
		return isoSeconds(seconds + minutes * 60) + offsetText(minutes);
	}
	return plain;
}
