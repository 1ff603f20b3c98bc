/** When people play: little at night, a lunch hump, a long evening with the draw at eight; more at the weekend. */

/** Share of activity by hour of the day (UTC), relative to each other. */
const HOUR_WEIGHTS = [
	2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 10, 12, 16, 14, 11, 11, 13, 16, 20, 26, 24, 14, 8, 4,
] as const;

const WEEKEND_FACTOR = 1.3;

const SECONDS_PER_HOUR = 3600;
const SECONDS_PER_DAY = 86_400;

/** 1970-01-01 was a Thursday; days since then modulo 7 are 2 on Saturdays and 3 on Sundays. */
const WEEKEND = new Set([2, 3]);

/**
 * How much of the activity of a period lies before a moment.
 * @param startSeconds begin of the period, seconds since 1970, on a full hour
 * @param hours length of the period
 * @returns for 0..hours*3600 seconds after the begin: a share from 0 to 1 that never falls
 */
export function activityShare(startSeconds: number, hours: number): (afterSeconds: number) => number {
	const cumulated = new Float64Array(hours + 1);
	for (let hour = 0; hour < hours; hour++) {
		const seconds = startSeconds + hour * SECONDS_PER_HOUR;
		const day = Math.floor(seconds / SECONDS_PER_DAY);
		const hourOfDay = Math.floor((seconds - day * SECONDS_PER_DAY) / SECONDS_PER_HOUR);
		const weekday = ((day % 7) + 7) % 7;
		cumulated[hour + 1] =
			cumulated[hour]! + HOUR_WEIGHTS[hourOfDay]! * (WEEKEND.has(weekday) ? WEEKEND_FACTOR : 1);
	}
	const total = cumulated[hours]!;
	return (afterSeconds) => {
		const hour = Math.min(Math.floor(afterSeconds / SECONDS_PER_HOUR), hours - 1);
		const within = Math.min((afterSeconds - hour * SECONDS_PER_HOUR) / SECONDS_PER_HOUR, 1);
		return (cumulated[hour]! + within * (cumulated[hour + 1]! - cumulated[hour]!)) / total;
	};
}
