/**
 * Puts values into a panel's query as Grafana would, as far as our dashboards use it: variables in the browser (`$job`,
 * `${zone:sqlstring}`), durations (`$__rate_interval`), macros of the Postgres source (`$__timeFilter(hour)`).
 * It refuses what it does not know; Grafana would send it as it stands.
 *
 * Rules: "Variable syntax" and "Global variables" of Grafana's documentation; macros: pkg/tsdb/grafana-postgresql-datasource.
 */

/** One value, several of a variable that allows it, or what stands for all of them, which is taken as it is. */
export type VariableValue = string | readonly string[] | { readonly raw: string };

export interface QueryScope {
	/** Time range of the dashboard, in ms since 1970. */
	readonly fromMs: number;
	readonly toMs: number;
	/** Distance of two points of a chart, in ms. */
	readonly intervalMs: number;
	/** The data source's `timeInterval`, in ms. */
	readonly scrapeIntervalMs: number;
	readonly variables: Readonly<Record<string, VariableValue>>;
}

/** Throws on an unknown variable or format. */
export function expandPromql(expr: string, scope: QueryScope): string {
	return expandVariables(expr, scope, (value) => {
		const values = [value].flat().map(regexEscaped);
		return values.length === 1 ? values[0]! : `(${values.join("|")})`;
	});
}

/** Throws on an unknown variable, format or macro. */
export function expandSql(sql: string, scope: QueryScope): string {
	const text = expandVariables(sql, scope, (value) => {
		if (typeof value !== "string") throw new Error("several values need a format such as :sqlstring");
		return value;
	});
	const [from, to] = [scope.fromMs, scope.toMs].map((ms) => `'${new Date(ms).toISOString()}'`);
	return text.replace(/\$(\w+)\(([^)]*)\)/g, (whole, macro: string, argument: string) => {
		switch (macro) {
			case "__timeFilter":
				if (argument === "") throw new Error(`${whole} needs a column`);
				return `${argument} BETWEEN ${from} AND ${to}`;
			case "__timeFrom":
				return from!;
			case "__timeTo":
				return to!;
			default:
				throw new Error(`unknown macro ${whole}`);
		}
	});
}

/** Names of the variables that a text mentions, the built-in ones left out. */
export function variablesIn(text: string): readonly string[] {
	const names = [...text.matchAll(VARIABLE)].map(([, braced, , plain]) => braced ?? plain ?? "");
	return [...new Set(names)].filter((name) => !name.startsWith("__"));
}

/** `${name}`, `${name:format}` or `$name`; a macro call is none. */
const VARIABLE = /\$\{(\w+)(?::(\w+))?\}|\$(\w+)\b(?!\()/g;

function expandVariables(
	text: string,
	scope: QueryScope,
	byDefault: (value: string | readonly string[]) => string,
): string {
	const builtIn = builtInOf(scope);
	return text.replace(VARIABLE, (whole, braced?: string, format?: string, plain?: string) => {
		const name = braced ?? plain ?? "";
		if (name in builtIn) return builtIn[name]!;
		const value = scope.variables[name];
		if (value === undefined) throw new Error(`unknown variable ${whole}`);
		if (typeof value === "object" && "raw" in value) return value.raw;
		switch (format) {
			case undefined:
				return byDefault(value);
			case "raw":
				return [value].flat().join(",");
			case "regex":
				return [value].flat().map(regexEscaped).join("|");
			case "sqlstring":
				return [value]
					.flat()
					.map((one) => `'${one.replaceAll("'", "''")}'`)
					.join(",");
			default:
				throw new Error(`unknown format ${whole}`);
		}
	});
}

/** Never less than four scrapes, so that a rate has two samples even when one is missed. */
function builtInOf({
	fromMs,
	toMs,
	intervalMs,
	scrapeIntervalMs,
}: QueryScope): Readonly<Record<string, string>> {
	return {
		__interval: `${intervalMs}ms`,
		__rate_interval: `${Math.max(intervalMs + scrapeIntervalMs, 4 * scrapeIntervalMs)}ms`,
		__range: `${toMs - fromMs}ms`,
	};
}

/** For a string of PromQL, in which a backslash is written twice. */
function regexEscaped(text: string): string {
	return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\\\$&");
}
