/** Reads one of the reports of `schema/reports` from Postgres: the same files that `psql -f` runs. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { packageRoot } from "../../schema/package-root.ts";
import { UsageError } from "../errors.ts";
import { connect, destroy } from "./connect.ts";
import { errorCode, SchemaError } from "./errors.ts";
import { renderScript } from "./psql-script.ts";
import type { PostgresSettings } from "./settings.ts";

/** A report that runs longer is ended; it would hold back the cleaning of the rows that every flush rewrites. */
const REPORT_TIMEOUT_MS = 120_000;

export interface ReportColumn {
	/** As psql shows it: `Payout ratio`. */
	readonly title: string;
	/** For programs: `payout_ratio`. */
	readonly key: string;
	/** Its texts are numbers: shown to the right, and not quoted in JSON. */
	readonly isNumber: boolean;
}

export interface ReportResult {
	readonly title: string;
	readonly columns: readonly ReportColumn[];
	/** Values as Postgres writes them, money with all its digits; null is SQL's. */
	readonly rows: readonly (readonly (string | null)[])[];
}

/** Names of all reports, sorted. */
export async function reportNames(): Promise<readonly string[]> {
	const files = await readdir(join(packageRoot(), "schema", "reports"));
	return files
		.filter((file) => file.endsWith(".sql"))
		.map((file) => file.slice(0, -".sql".length))
		.sort();
}

/**
 * Runs a report in a read-only transaction. `variables`: what psql is given by `-v`; the defaults are in the file.
 *
 * Throws `UsageError` for an unknown report, variable, time zone or number; `SchemaError` when the database was never
 * migrated; `PostgresUnavailableError` when there is no way in.
 */
export async function readReport(
	settings: PostgresSettings,
	name: string,
	variables: Readonly<Record<string, string>> = {},
): Promise<ReportResult> {
	const names = await reportNames();
	if (!names.includes(name)) {
		throw new UsageError(`there is no report "${name}"`, `choose one of: ${names.join(", ")}`);
	}
	const text = await readFile(join(packageRoot(), "schema", "reports", `${name}.sql`), "utf8");
	for (const variable of Object.keys(variables)) {
		if (!text.includes(`:'${variable}'`)) throw new UsageError(`the report "${name}" takes no "${variable}"`);
	}
	const { sql, title } = renderScript(text, variables, pg.escapeLiteral);
	const client = await connect(settings, {
		applicationName: "lottery-engine report",
		statementTimeoutMs: REPORT_TIMEOUT_MS,
	});
	try {
		await client.query("BEGIN READ ONLY");
		const answer = (await client.query({ text: sql, rowMode: "array", types: TEXT_ONLY })) as unknown;
		const results = (Array.isArray(answer) ? answer : [answer]) as pg.QueryArrayResult<(string | null)[]>[];
		const report = results.findLast((result) => result.fields.length > 0);
		if (report === undefined) throw new Error(`the report "${name}" has no result`);
		return { title, columns: report.fields.map(columnOf), rows: report.rows };
	} catch (error) {
		throw explain(error, variables);
	} finally {
		await client.end().catch(() => destroy(client));
	}
}

/** Every value as the text that Postgres sends. */
const TEXT_ONLY = { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig;

/** int8, int2, int4, float4, float8, numeric. */
const NUMBER_TYPES = new Set([20, 21, 23, 700, 701, 1700]);

function columnOf(field: pg.FieldDef): ReportColumn {
	const key = field.name
		.toLowerCase()
		.replace(/%/g, " percent ")
		.replace(/[^a-z0-9]+/g, "_")
		.replace(/^_|_$/g, "");
	return { title: field.name, key, isNumber: NUMBER_TYPES.has(field.dataTypeID) };
}

function explain(error: unknown, variables: Readonly<Record<string, string>>): unknown {
	const code = errorCode(error);
	const { message } = error as Error;
	if (code === "42P01") {
		return new SchemaError(
			"SERVER_UNFIT",
			`the database was not migrated: ${message}`,
			"run `node engine migrate`",
			{
				cause: error,
			},
		);
	}
	// Class 22: what was given is no time zone or no number.
	if (code.startsWith("22") && Object.keys(variables).length > 0) {
		return new UsageError(
			message,
			"zones are named like UTC, Europe/Berlin or Asia/Kolkata; the rest are numbers",
		);
	}
	return error;
}
