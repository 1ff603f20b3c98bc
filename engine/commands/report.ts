/** `node engine report NAME`: the psql reports for people without psql. */
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { type ReportResult, readReport } from "../sink/report.ts";
import type { PostgresSettings } from "../sink/settings.ts";
import { asCsv, asJsonLines, asTable } from "./report-format.ts";

export interface ReportOptions {
	readonly settings: PostgresSettings;
	/** One JSON object a line. */
	readonly json?: boolean;
	/** RFC 4180. */
	readonly csv?: boolean;
	/** Time zone of hours and days shown, by its name; UTC by default. */
	readonly zone?: string | undefined;
	/** Other variables of the report, as `psql -v` takes them: `{ hours: "24" }`. */
	readonly variables?: Readonly<Record<string, string>>;
	/** Where the report goes: data, so stdout. */
	readonly out: { write(text: string): unknown };
}

/** Writes one report and returns the exit code. Throws what `readReport` throws. */
export async function runReport(name: string, options: ReportOptions): Promise<number> {
	if (options.json && options.csv) throw new UsageError("--json and --csv exclude each other");
	const variables: Record<string, string> = { ...options.variables };
	if (options.zone !== undefined) variables["zone"] = options.zone;
	options.out.write(formatOf(options)(await readReport(options.settings, name, variables)));
	return EXIT.ok;
}

function formatOf(options: ReportOptions): (report: ReportResult) => string {
	if (options.json) return asJsonLines;
	return options.csv ? asCsv : asTable;
}
