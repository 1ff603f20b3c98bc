/** `node engine config`: what is in effect, and why. */
import type { ConfigEntry } from "../config/load.ts";
import { EXIT } from "../exit-codes.ts";

export interface ConfigCommandOptions {
	readonly entries: readonly ConfigEntry[];
	readonly json: boolean;
	readonly validate: boolean;
}

/** Prints to stdout. An invalid configuration never comes this far: loading it throws. */
export function runConfig({ entries, json, validate }: ConfigCommandOptions): number {
	if (validate) process.stdout.write(json ? '{"valid":true}\n' : "the configuration is valid\n");
	else if (json) process.stdout.write(`${JSON.stringify(entries, null, 2)}\n`);
	else process.stdout.write(tableOf(entries));
	return EXIT.ok;
}

/** Columns padded with blanks rather than a drawn table: it is read by grep as often as by people. */
function tableOf(entries: readonly ConfigEntry[]): string {
	const rows = entries.map(({ name, value, origin }) => [name, oneLine(value ?? "-"), origin] as const);
	const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
	return rows
		.map(([name, value, origin]) => `${name.padEnd(widths[0]!)}  ${value.padEnd(widths[1]!)}  ${origin}\n`)
		.join("");
}

/** A certificate has many lines and is not interesting: the first one says what it is. */
function oneLine(value: string): string {
	const [first = ""] = value.split("\n");
	return first.length < value.length ? `${first} ...` : first;
}
