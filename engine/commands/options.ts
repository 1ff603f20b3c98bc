/** Values of options that are not configuration. A bad one is a usage error, told by commander with the option's name. */
import { InvalidArgumentError } from "commander";

/** Partitions of a topic that we create: enough for a few engines to share. */
export const PARTITIONS_DEFAULT = 8;
/** More per topic is a slip: the broker would open ten thousand files. */
export const PARTITIONS_MAX = 10_000;

/** Whole number within limits. */
export function wholeNumber(min: number, max: number): (text: string) => number {
	return (text) => {
		const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
		if (value >= min && value <= max) return value;
		throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
	};
}

/** A share of a whole. */
export function share(text: string): number {
	const value = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
	if (value <= 1) return value;
	throw new InvalidArgumentError("It must be a number from 0 to 1.");
}

export const HOUR_MS = 3_600_000;

/** A full hour as ISO text, in ms since 1970, without a zone in UTC; or `now`. */
export function fullHour(text: string): number | "now" {
	if (text === "now") return text;
	const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text);
	const hasZone = !text.includes("T") || /(Z|[+-]\d{2}:\d{2})$/.test(text);
	const ms = isIso ? Date.parse(hasZone ? text : `${text}Z`) : Number.NaN;
	if (ms >= EARLIEST_MS && ms <= LATEST_MS && ms % HOUR_MS === 0) return ms;
	throw new InvalidArgumentError(
		"It must be a full hour from 1970-01-02 to 9000, such as 2025-06-01T00:00Z, or now.",
	);
}

/** A day after the first, so that no zone writes the year 1969; centuries before the last, so that no length leaves 9999. */
const EARLIEST_MS = 86_400_000;
const LATEST_MS = Date.UTC(9000, 0, 1);

/** Repeatable `name=value`. */
export function nameValue(
	text: string,
	previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
	const match = /^([a-z_][a-z0-9_]*)=(.*)$/i.exec(text);
	if (match === null) throw new InvalidArgumentError("It must be name=value.");
	return { ...previous, [match[1]!]: match[2]! };
}
