/** How numbers are written for people, by their unit: short on axes, exact in tables. */

const MEBIBYTE = 2 ** 20;
const GIBIBYTE = 2 ** 30;

/** At most this many significant digits are shown of what was measured: more would be noise. */
const SIGNIFICANT_DIGITS = 3;

/** `405k`, `1.2M`, `0.35`: for axes and labels. */
export function shortNumber(value: number): string {
	const size = Math.abs(value);
	if (size >= 999_500) return `${trimmed(value / 1e6)}M`;
	// Below ten thousand the digits themselves are as short.
	if (size >= 10_000) return `${trimmed(value / 1e3)}k`;
	return trimmed(value);
}

/** A value with its unit, e.g. `405,123 events/s`, `3.12 µs/event`, `498 MiB`. */
export function withUnit(value: number, unit: string): string {
	if (!Number.isFinite(value)) return "?";
	if (unit === "bytes") return bytes(value);
	if (unit === "s" && Math.abs(value) >= 120) return duration(value);
	if (unit === "count") return exactNumber(value);
	if (unit === "ratio") return value.toFixed(2);
	return `${exactNumber(value)} ${unit}`;
}

/** With thousands apart; fractions only where they say something. */
export function exactNumber(value: number): string {
	if (!Number.isFinite(value)) return "?";
	const size = Math.abs(value);
	// -0.0004 must not become "-0".
	if (Number.isInteger(value) || size >= 100) return (Math.round(value) + 0).toLocaleString("en-US");
	return trimmed(value);
}

/** `498 MiB`, `1.5 GiB`. */
export function bytes(value: number): string {
	if (Math.abs(value) >= GIBIBYTE) return `${trimmed(value / GIBIBYTE)} GiB`;
	if (Math.abs(value) >= MEBIBYTE) return `${trimmed(value / MEBIBYTE)} MiB`;
	if (Math.abs(value) >= 1024) return `${trimmed(value / 1024)} KiB`;
	return `${exactNumber(value)} B`;
}

/** `45 s`, `2:05 min`, `1:30 h`; on an axis and in text. */
export function duration(seconds: number): string {
	const size = Math.abs(seconds);
	if (size < 120) return `${trimmed(seconds)} s`;
	// Half a minute of a run of hours is nothing anybody reads off.
	const inHours = size >= 7200;
	const whole = Math.round(inHours ? seconds / 60 : seconds);
	return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} ${inHours ? "h" : "min"}`;
}

function trimmed(value: number): string {
	if (value === 0) return "0";
	const digits = SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(Math.abs(value)));
	const text = value.toFixed(Math.min(12, Math.max(0, digits)));
	return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
