/** Loading the configuration: every variable is resolved and parsed, all problems are reported at once. */
import { accessSync, constants, readFileSync } from "node:fs";
import { ConfigError, type ConfigProblem, UsageError } from "../errors.ts";
import { buildConfig, type Config } from "./config.ts";
import { MASK, maskUrl } from "./mask.ts";
import { nearMisses } from "./near-misses.ts";
import { assertRelations, brokenRelations, doubts } from "./relations.ts";
import { type Environment, type Flags, type Resolved, readDotEnv, resolveVariable } from "./resolve.ts";
import { definitionOf, VARIABLE_NAMES, type Values, type VariableName } from "./variables.ts";

/** One row of `node engine config`. */
export interface ConfigEntry {
	readonly name: VariableName;
	/** The effective value as text, secrets masked; null when there is none. */
	readonly value: string | null;
	readonly origin: string;
	readonly description: string;
	readonly rule: string;
}

export interface Loaded {
	readonly config: Config;
	readonly entries: readonly ConfigEntry[];
	/** What is allowed and hardly meant, as sentences. */
	readonly warnings: readonly string[];
}

export interface LoadOptions {
	readonly flags?: Flags;
	readonly environment?: Environment;
	/** Folder of the `.env` file, and what a relative `ENGINE_HOME` starts from. */
	readonly cwd?: string;
}

/**
 * @throws {ConfigError} with every problem, when one of them is not a flag's
 * @throws {UsageError} when flags alone are wrong: the command line is, not the configuration
 */
export function loadConfig(options: LoadOptions = {}): Loaded {
	const { flags = {}, environment = process.env, cwd = process.cwd() } = options;
	assertRelations();
	const dotEnv = readDotEnv(cwd);
	const resolved = new Map<VariableName, Resolved>();
	const parsed: Partial<Record<VariableName, unknown>> = {};
	const problems: ConfigProblem[] = [];
	const isFlagOnly: boolean[] = [];
	const refuse = (name: VariableName, rule: string) => {
		const { text, origin, kind } = resolved.get(name)!;
		problems.push({ variable: name, value: text === null ? null : masked(name, text), rule, origin });
		isFlagOnly.push(kind === "flag");
	};

	for (const name of VARIABLE_NAMES) {
		const found = resolveVariable(name, { flags, environment, dotEnv }, (path) => readFileSync(path, "utf8"));
		resolved.set(name, found);
		const { parser } = definitionOf(name);
		const value = found.text === null ? null : parser.parse(found.text);
		parsed[name] = value ?? null;
		if (found.problem !== undefined) refuse(name, found.problem);
		else if (value === undefined) refuse(name, parser.rule);
	}
	const values = parsed as Values;
	const wrong = new Set(problems.map(({ variable }) => variable));
	for (const { variable, rule } of brokenRelations(values, (name) => wrong.has(name))) refuse(variable, rule);
	if (values.PGSSLROOTCERT !== null && !isReadable(values.PGSSLROOTCERT)) {
		refuse("PGSSLROOTCERT", "must name a readable file");
	}

	if (problems.length > 0 && isFlagOnly.every(Boolean)) throw usageErrorOf(problems);
	if (problems.length > 0) throw new ConfigError(problems);
	return {
		config: buildConfig(values, cwd),
		entries: VARIABLE_NAMES.map((name) => entryOf(name, resolved.get(name)!)),
		warnings: [
			...doubts(
				values,
				(name) => resolved.get(name)!.kind === "flag" || resolved.get(name)!.kind === "environment",
			),
			...nearMisses([...Object.keys(environment), ...Object.keys(dotEnv)]).map(
				({ name, meant }) => `${name} is not a variable of the engine; did you mean ${meant}?`,
			),
		],
	};
}

function entryOf(name: VariableName, { text, origin }: Resolved): ConfigEntry {
	const { description, parser } = definitionOf(name);
	return { name, value: text === null ? null : masked(name, text), origin, description, rule: parser.rule };
}

function masked(name: VariableName, text: string): string {
	const { secret } = definitionOf(name);
	if (secret === undefined) return text;
	return secret === "url" ? maskUrl(text) : MASK;
}

function usageErrorOf(problems: readonly ConfigProblem[]): UsageError {
	const lines = problems.map(
		({ origin, value, rule }) => `${origin.replace("flag ", "")} ${JSON.stringify(value)} ${rule}`,
	);
	return new UsageError(lines.join("\n"));
}

function isReadable(path: string): boolean {
	try {
		accessSync(path, constants.R_OK);
		return true;
	} catch {
		return false;
	}
}
