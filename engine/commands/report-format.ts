/** Three ways to write a report: a table for people, CSV (RFC 4180), and JSON lines. Pure. */
import Table from "cli-table3";
import type { ReportResult } from "../sink/report.ts";

/** A table with the report's title above it and the number of rows below, ending with a line feed. */
export function asTable(report: ReportResult): string {
	const table = new Table({
		head: report.columns.map((column) => column.title),
		colAligns: report.columns.map((column) => (column.isNumber ? "right" : "left")),
		// No colours: the output goes into mails and files as often as to a terminal.
		style: { head: [], border: [], compact: true },
	});
	for (const row of report.rows) table.push(row.map((value) => printable(value ?? "")));
	const count = report.rows.length === 1 ? "1 row" : `${report.rows.length} rows`;
	return `${report.title}\n${table.toString()}\n${count}\n`;
}

/** Header line with the titles, lines ended by CR LF, null as nothing, the empty text as `""`. */
export function asCsv(report: ReportResult): string {
	const lines = [
		report.columns.map((column) => csvField(column.title)),
		...report.rows.map((row) => row.map(csvField)),
	];
	return lines.map((fields) => `${fields.join(",")}\r\n`).join("");
}

/**
 * One object a line. Numbers are written with all the digits Postgres has (`"revenue":12.30`), which may be more than a
 * double holds.
 */
export function asJsonLines(report: ReportResult): string {
	return report.rows
		.map((row) => {
			const members = row.map((value, i) => {
				const { key, isNumber } = report.columns[i]!;
				return `${JSON.stringify(key)}:${jsonValue(value, isNumber)}`;
			});
			return `{${members.join(",")}}\n`;
		})
		.join("");
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

function jsonValue(value: string | null, isNumber: boolean): string {
	if (value === null) return "null";
	// NaN and Infinity are numbers to Postgres and not to JSON.
	return isNumber && JSON_NUMBER.test(value) ? value : JSON.stringify(value);
}

function csvField(value: string | null): string {
	if (value === null) return "";
	return value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Dead letters hold what strangers sent: an escape sequence must not reach the terminal, nor a line feed the table. */
function printable(value: string): string {
	return value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
		const code = character.codePointAt(0)!.toString(16);
		return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
	});
}
