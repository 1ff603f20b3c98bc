/** Options of a scenario: declared once; the command line, its help, its errors and the result are read off it. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

export type OptionSpec =
	| {
			readonly kind: "integer" | "number";
			readonly default: number;
			readonly min: number;
			readonly max: number;
			readonly help: string;
	  }
	| { readonly kind: "flag"; readonly help: string }
	| {
			readonly kind: "choice";
			readonly default: string;
			readonly choices: readonly string[];
			readonly help: string;
	  };

/** By name in camelCase: `badRatio` is `--bad-ratio` on the command line. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type OptionValues<Specs extends OptionSpecs> = {
	readonly [Name in keyof Specs]: Specs[Name] extends { kind: "flag" }
		? boolean
		: Specs[Name] extends { kind: "choice" }
			? string
			: number;
};

/** Any values: what a result stores. */
export type AnyValues = Readonly<Record<string, number | boolean | string>>;

/** A whole number; `range` is inclusive. */
export function integer(value: number, range: readonly [number, number], help: string) {
	return { kind: "integer", default: value, min: range[0], max: range[1], help } as const;
}

/** Any number; `range` is inclusive. */
export function decimal(value: number, range: readonly [number, number], help: string) {
	return { kind: "number", default: value, min: range[0], max: range[1], help } as const;
}

/** Off unless it is given. */
export function flag(help: string) {
	return { kind: "flag", help } as const;
}

export function choice(value: string, choices: readonly string[], help: string) {
	return { kind: "choice", default: value, choices, help } as const;
}

/** What every scenario takes besides its own options. */
export interface CommonOptions {
	/** The result as JSON on stdout, instead of the table. */
	readonly json: boolean;
	/** Settings of the engine that differ from its defaults: `--set FLUSH_ROWS_MAX=40000`. */
	readonly settings: Readonly<Record<string, string>>;
	/** The scenario's short form. */
	readonly quick: boolean;
}

export type ParsedOptions =
	| { readonly help: string }
	| { readonly common: CommonOptions; readonly values: AnyValues };

/** The command line is wrong; the message says where. */
export class OptionError extends Error {
	override readonly name = "OptionError";
}

interface Described {
	readonly name: string;
	readonly about: string;
	readonly options: OptionSpecs;
	/** What `--quick` puts in the place of the defaults; what the command line gives wins. */
	readonly quick?: AnyValues;
}

/** @throws OptionError */
export function parseOptions(scenario: Described, args: readonly string[]): ParsedOptions {
	const output: string[] = [];
	const command = commandOf(scenario, (text) => output.push(text));
	try {
		command.parse([...args], { from: "user" });
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.exitCode === 0) return { help: output.join("") };
		throw new OptionError(error.message.replace(/^error: /, ""), { cause: error });
	}
	const given = command.opts<Record<string, unknown>>();
	const { json, quick, set } = given as { json?: boolean; quick?: boolean; set?: Record<string, string> };
	const values: Record<string, number | boolean | string> = {};
	for (const [name, spec] of Object.entries(scenario.options)) {
		const short = quick ? scenario.quick?.[name] : undefined;
		const value = given[name] ?? short ?? (spec.kind === "flag" ? false : spec.default);
		values[name] = value as number | boolean | string;
	}
	return { common: { json: json ?? false, quick: quick ?? false, settings: set ?? {} }, values };
}

/** `--bad-ratio 0.3 --events 1000`: what has to be typed to get these values again. */
export function commandLineOf(specs: OptionSpecs, values: AnyValues, common: CommonOptions): string {
	const words = Object.entries(specs).flatMap(([name, spec]) => {
		const value = values[name];
		if (spec.kind === "flag") return value === true ? [flagOf(name)] : [];
		return value === undefined || value === spec.default ? [] : [flagOf(name), String(value)];
	});
	for (const [name, value] of Object.entries(common.settings)) words.push("--set", `${name}=${value}`);
	return words.join(" ");
}

function commandOf({ name, about, options, quick }: Described, write: (text: string) => void): Command {
	const command = new Command(`node perf ${name}`)
		.description(about)
		.helpOption("-h, --help", "print help")
		.allowExcessArguments(false)
		.exitOverride()
		.configureOutput({ writeOut: write, writeErr: () => {} });
	for (const [optionName, spec] of Object.entries(options)) command.addOption(optionOf(optionName, spec));
	command.option("--json", "the result as JSON on stdout");
	if (quick !== undefined) command.option("--quick", `short: ${textOf(quick)}`);
	command.addOption(
		new Option("--set <NAME=value>", "a setting of the engine, once for each").argParser(
			(text: string, before: Record<string, string> = {}) => ({ ...before, ...settingOf(text) }),
		),
	);
	return command.addHelpText(
		"after",
		"\nUses KAFKA_BROKERS and DATABASE_URL when both are set, else embedded ones of its own.",
	);
}

function optionOf(name: string, spec: OptionSpec): Option {
	if (spec.kind === "flag") return new Option(flagOf(name), spec.help);
	if (spec.kind === "choice") {
		const help = `${spec.help} (default: ${spec.default})`;
		return new Option(`${flagOf(name)} <choice>`, help).choices(spec.choices);
	}
	const help = `${spec.help}, ${spec.min} to ${spec.max} (default: ${spec.default})`;
	return new Option(`${flagOf(name)} <n>`, help).argParser((text: string) => numberOf(spec, text));
}

function numberOf(spec: Extract<OptionSpec, { readonly min: number }>, text: string): number {
	const value = Number(text.replaceAll("_", ""));
	const isRight = spec.kind === "integer" ? /^[\d_]+$/.test(text) : /^-?[\d_]*\.?\d+$/.test(text);
	if (isRight && value >= spec.min && value <= spec.max) return value;
	const what = spec.kind === "integer" ? "a whole number" : "a number";
	throw new InvalidArgumentError(`It must be ${what} from ${spec.min} to ${spec.max}.`);
}

function settingOf(text: string): Record<string, string> {
	const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(text) ?? [];
	if (name === undefined || value === undefined)
		throw new InvalidArgumentError("It must look like FLUSH_ROWS_MAX=40000.");
	return { [name]: value };
}

function flagOf(name: string): string {
	return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function textOf(values: AnyValues): string {
	return Object.entries(values)
		.map(([name, value]) => `${flagOf(name)} ${value}`)
		.join(" ");
}
