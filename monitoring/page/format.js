/** Figures as text, the same on every machine: English digits, UTC. What is not known is a dash and never a zero. */

export const UNKNOWN = "–";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** @param {number | null | undefined} value */
export function count(value) {
	return value === null || value === undefined ? UNKNOWN : whole.format(value);
}

/** For axes and tight places. @param {number | null | undefined} value */
export function short(value) {
	if (value === null || value === undefined) return UNKNOWN;
	return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value);
}

/** @param {number | null | undefined} value */
export function rate(value) {
	if (value === null || value === undefined) return UNKNOWN;
	return value > 0 && value < 10 ? value.toFixed(1) : whole.format(value);
}

/** @param {number | null | undefined} share 0 to 1 */
export function percent(share, digits = 0) {
	return share === null || share === undefined ? UNKNOWN : `${(share * 100).toFixed(digits)} %`;
}

/**
 * Decimal text of any length keeps all of its digits.
 * @param {string} text
 */
export function moneyText(text) {
	const [, sign = "", digits = text, cents = ""] = /^([+-]?)(\d+)(\.\d+)?$/.exec(text) ?? [];
	return `${sign}${digits.replace(/\B(?=(\d{3})+$)/g, ",")}${cents}`;
}

/** @param {number} value */
export function moneyOf(value) {
	return money.format(value);
}

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
	if (seconds === null || seconds === undefined) return UNKNOWN;
	if (seconds === 0) return "0 s";
	if (seconds < 0.0995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
	if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
	if (seconds < 120) return `${Math.round(seconds)} s`;
	if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
	if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
	if (seconds < 63_072_000) return `${Math.round(seconds / 86_400)} days`;
	return `${(seconds / 31_536_000).toFixed(1)} years`;
}

/** @param {number} bytes */
export function bytes(bytes) {
	if (bytes < 1024) return `${bytes} B`;
	if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(0)} kB`;
	return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** @param {number | null | undefined} ms since 1970 */
export function clock(ms) {
	return ms === null || ms === undefined ? UNKNOWN : new Date(ms).toISOString().slice(11, 19);
}

/** @param {number} ms since 1970 */
export function dayAndMinute(ms) {
	return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

/** @param {number} ms since 1970 */
export function hourOf(ms) {
	return new Date(ms).toISOString().slice(11, 16);
}

/** @param {number} ms since 1970 */
export function dayOf(ms) {
	return new Date(ms).toLocaleDateString("en-GB", {
		timeZone: "UTC",
		weekday: "short",
		day: "numeric",
		month: "short",
		year: "numeric",
	});
}

/**
 * Never "in the future": two clocks differ by a little.
 * @param {number | null | undefined} ms since 1970
 * @param {number} nowMs
 */
export function ago(ms, nowMs) {
	if (ms === null || ms === undefined) return UNKNOWN;
	const seconds = Math.max(0, (nowMs - ms) / 1000);
	return seconds < 1 ? "just now" : `${duration(Math.round(seconds))} ago`;
}
