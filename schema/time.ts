/**
 * Reads `event_time` by character codes: about 0.04 µs, nothing allocated, where `Date.parse` costs 0.14 µs, knows only
 * milliseconds, lets days run over (February 30 is March 2) and takes a time without a zone for local time.
 *
 * The language is `EVENT_TIME_PATTERN` (event.ts) less the days the calendar does not have.
 */
import { EVENT_YEAR_MIN, FRACTION_DIGITS_MAX, MICROS_DIGITS, ZONE_MINUTES_MAX } from "./limits.ts";

/** A moment: `seconds + micros / 1e6` since 1970 UTC. */
export interface Moment {
	/** Whole seconds, rounded down; negative before 1970 (only a zone can lead there). */
	seconds: number;
	/** 0..999999, counted forwards from `seconds`, also before 1970. */
	micros: number;
}

const SECONDS_PER_DAY = 86_400;
/** Days from March 1 of year 0 to 1970-01-01. */
const EPOCH_DAYS_FROM_MARCH_0 = 719_468;

/** Where the fraction or the zone of `2025-06-01T15:14:00` begins. */
const AFTER_SECONDS = 19;

const DASH = 0x2d;
const PLUS = 0x2b;
const COLON = 0x3a;
const DOT = 0x2e;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
const ZERO = 0x30;

/**
 * Reads `text` into `out`. False when it is not an event time; `out` then holds anything. The fraction is
 * truncated to microseconds, never rounded: 15:59:59.9999999 stays in its hour.
 */
export function parseEventTime(text: string, out: Moment): boolean {
	const length = text.length;
	if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH || text.charCodeAt(10) !== UPPER_T)
		return false;
	if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return false;

	const century = twoDigits(text, 0);
	const yearOfCentury = twoDigits(text, 2);
	const year = century * 100 + yearOfCentury;
	const month = twoDigits(text, 5);
	const day = twoDigits(text, 8);
	if (yearOfCentury < 0 || year < EVENT_YEAR_MIN || month < 1 || month > 12) return false;
	if (day < 1 || day > daysInMonth(year, month)) return false;

	const hour = twoDigits(text, 11);
	const minute = twoDigits(text, 14);
	const second = twoDigits(text, 17);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;

	let at = AFTER_SECONDS;
	let micros = 0;
	if (at < length && text.charCodeAt(at) === DOT) {
		const digits = fractionDigits(text, at + 1);
		if (digits === 0 || digits > FRACTION_DIGITS_MAX) return false;
		micros = fractionMicros(text, at + 1, digits);
		at += 1 + digits;
	}
	const zoneMinutes = at === length ? 0 : zoneOffsetMinutes(text, at);
	if (zoneMinutes === NO_ZONE) return false;

	const secondOfDay = hour * 3600 + minute * 60 + second;
	out.seconds = daysSince1970(year, month, day) * SECONDS_PER_DAY + secondOfDay - zoneMinutes * 60;
	out.micros = micros;
	return true;
}

/** 0..99, or -1 when one of the two characters is not a digit (beyond the end `charCodeAt` gives NaN, never in range). */
function twoDigits(text: string, at: number): number {
	const tens = text.charCodeAt(at) - ZERO;
	const ones = text.charCodeAt(at + 1) - ZERO;
	return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** How many digits follow one another from `at`. */
function fractionDigits(text: string, at: number): number {
	let end = at;
	while (end < text.length && isDigit(text.charCodeAt(end))) end++;
	return end - at;
}

function isDigit(code: number): boolean {
	return code >= ZERO && code <= ZERO + 9;
}

/** The first six of `digits` digits from `at`, filled up with zeros. */
function fractionMicros(text: string, at: number, digits: number): number {
	let micros = 0;
	for (let place = 0; place < MICROS_DIGITS; place++) {
		micros = micros * 10 + (place < digits ? text.charCodeAt(at + place) - ZERO : 0);
	}
	return micros;
}

/** No zone is this far away, so it can stand for "not a zone". */
const NO_ZONE = ZONE_MINUTES_MAX + 1;

/** Minutes east of UTC when the text from `at` to its end is a zone, else `NO_ZONE`. */
function zoneOffsetMinutes(text: string, at: number): number {
	const first = text.charCodeAt(at);
	if (first === UPPER_Z) return text.length === at + 1 ? 0 : NO_ZONE;
	if ((first !== PLUS && first !== DASH) || text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) {
		return NO_ZONE;
	}
	const hours = twoDigits(text, at + 1);
	const minutes = twoDigits(text, at + 4);
	const total = hours * 60 + minutes;
	if (hours < 0 || minutes < 0 || minutes > 59 || total > ZONE_MINUTES_MAX) return NO_ZONE;
	return first === PLUS ? total : -total;
}

function daysInMonth(year: number, month: number): number {
	if (month === 2) return isLeapYear(year) ? 29 : 28;
	// 31 for odd months up to July and even ones from August on.
	return 30 + ((month + (month >> 3)) & 1);
}

function isLeapYear(year: number): boolean {
	return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/**
 * Days from 1970-01-01 to a day of the Gregorian calendar, for years above 0.
 * A year that begins in March has its leap day last, so that the days before a month follow one straight line
 * (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
 */
function daysSince1970(year: number, month: number, day: number): number {
	const marchYear = month > 2 ? year : year - 1;
	const marchMonth = month > 2 ? month - 3 : month + 9;
	const leapDays = ((marchYear / 4) | 0) - ((marchYear / 100) | 0) + ((marchYear / 400) | 0);
	const dayOfYear = (((153 * marchMonth + 2) / 5) | 0) + day - 1;
	return 365 * marchYear + leapDays + dayOfYear - EPOCH_DAYS_FROM_MARCH_0;
}

/** How the time of an event is judged; `EventTimeRules` of workers/messages.ts has this shape. All whole ms. */
export interface TimeRules {
	readonly futureSkewMs: number;
	readonly latePolicy: "correct" | "dead-letter";
	readonly lateAfterMs: number;
}

/**
 * Judges an event against the timestamp of its Kafka record (ms since 1970; negative: there is none, and nothing
 * is judged). Never against this machine's clock: a replay must repeat the verdict.
 *
 * Exact to the microsecond without leaving integers below 2^53: microseconds of year 9999 would not fit.
 */
export function checkEventTime(
	seconds: number,
	micros: number,
	recordTimestampMs: number,
	rules: TimeRules,
): "future_event" | "late_event" | null {
	if (recordTimestampMs < 0) return null;
	const wholeMs = Math.floor(micros / 1000);
	const aheadMs = seconds * 1000 + wholeMs - recordTimestampMs;
	const microsBeyondMs = micros - wholeMs * 1000;
	if (aheadMs > rules.futureSkewMs || (aheadMs === rules.futureSkewMs && microsBeyondMs > 0))
		return "future_event";
	// The microseconds only bring the event nearer: with them it is late exactly when whole ms say so.
	if (rules.latePolicy === "dead-letter" && -aheadMs > rules.lateAfterMs) return "late_event";
	return null;
}
