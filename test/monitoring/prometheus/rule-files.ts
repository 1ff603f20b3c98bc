/**
 * Reads our rule files for tests. It knows the few shapes of YAML that they use and refuses every other one;
 * test/integration/alerts.test.ts holds what it reads against what Prometheus itself has read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../schema/package-root.ts";

export const PROMETHEUS_FOLDER = join(packageRoot(), "monitoring", "prometheus");

export interface Rule {
	readonly kind: "alert" | "record";
	readonly name: string;
	/** `expr`, and of an alert `for`, `severity`, `summary`, `description` and `runbook_url`. */
	readonly fields: Readonly<Record<string, string>>;
}

/** Every rule of a file of monitoring/prometheus, in its order. Throws on a line it does not understand. */
export function readRules(file: string): readonly Rule[] {
	const lines = readFileSync(join(PROMETHEUS_FOLDER, file), "utf8").split("\n");
	const rules: (Rule & { readonly fields: Record<string, string> })[] = [];
	for (let at = 0; at < lines.length; at++) {
		const line = lines[at]!;
		if (/^\s*(#.*)?$|^groups:$|^ {2}- name: [a-z-]+$|^ {4}(rules:|interval: \w+)$/.test(line)) continue;
		const [, kind, name] = /^ {6}- (alert|record): (\S+)$/.exec(line) ?? [];
		if (kind !== undefined && name !== undefined) {
			rules.push({ kind: kind as Rule["kind"], name, fields: {} });
			continue;
		}
		if (/^ {8}(labels|annotations):$/.test(line)) continue;
		const [, indent, field, text] = /^( {8}| {10})([a-z_]+): (.+)$/.exec(line) ?? [];
		const rule = rules.at(-1);
		if (indent === undefined || field === undefined || text === undefined || rule === undefined) {
			throw new Error(`${file}:${at + 1} is not understood: ${line}`);
		}
		const block = blockBelow(lines, at, indent.length);
		rule.fields[field] = /^(\||>-)$/.test(text) ? block.join(text === "|" ? "\n" : " ") : unquoted(text);
		if (block.length > 0) at += block.length;
	}
	return rules;
}

/** The lines below that are indented deeper. */
function blockBelow(lines: readonly string[], at: number, indent: number): string[] {
	const end = lines.findIndex((line, i) => i > at && line.search(/\S/) <= indent);
	return lines.slice(at + 1, end).map((line) => line.trim());
}

function unquoted(text: string): string {
	return /^".*"$/.test(text) ? (JSON.parse(text) as string) : text;
}

export function alerts(): readonly Rule[] {
	return readRules("alerts.rules.yml").filter(({ kind }) => kind === "alert");
}

/** Names of the files with the tests of the rules. */
export function ruleTestFiles(): readonly string[] {
	return readdirSync(join(PROMETHEUS_FOLDER, "tests")).filter((file) => file.endsWith(".test.yml"));
}

/** `EngineFlushFailing` is explained in `engine-flush-failing.md`. */
export function kebab(alert: string): string {
	return alert.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

/** `90s`, `15m` or `24h` in seconds. Throws on anything else. */
export function secondsOf(duration: string): number {
	const [, number, unit] = /^(\d+)([smh])$/.exec(duration) ?? [];
	if (unit === undefined) throw new Error(`not a duration: ${duration}`);
	return Number(number) * { s: 1, m: 60, h: 3600 }[unit as "s" | "m" | "h"];
}

/** Names of the series that an expression reads: everything that looks like one of ours, and `up`. */
export function seriesIn(expr: string): readonly string[] {
	const bare = expr.replace(/\{[^}]*\}|"[^"]*"|\[[^\]]*\]/g, "");
	return [
		...new Set(bare.match(/\b(?:[a-z0-9]+:[a-zA-Z0-9_:]+|(?:engine|events?|process|nodejs)_\w+|up)\b/g)),
	];
}
