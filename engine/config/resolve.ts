/** Where the text of each variable comes from: flag > environment > `.env` > default, canonical name before alias. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { definitionOf, type VariableName } from "./variables.ts";

/** Flags given on the command line, by variable. */
export type Flags = { readonly [N in VariableName]?: string };

/** An environment: `process.env`, or what a `.env` file holds. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Resolved {
	/** Null: neither set nor a default. */
	readonly text: string | null;
	/** For people: `flag --topic`, `environment`, `.env (BOOTSTRAP_SERVERS)`, `default`, `not set`. */
	readonly origin: string;
	readonly kind: "flag" | "environment" | "default" | "none";
	/** What went wrong on the way to the text, as a rule. */
	readonly problem?: string;
}

/** The `.env` file of a folder; empty when there is none. An unreadable one is an error of the file system, thrown. */
export function readDotEnv(folder: string): Environment {
	try {
		return parseEnv(readFileSync(join(folder, ".env"), "utf8"));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
		throw error;
	}
}

export interface Sources {
	readonly flags: Flags;
	readonly environment: Environment;
	readonly dotEnv: Environment;
}

export function resolveVariable(
	name: VariableName,
	sources: Sources,
	readFile: (path: string) => string,
): Resolved {
	const { flag, defaultText } = definitionOf(name);
	const flagText = sources.flags[name];
	if (flagText !== undefined) return { text: flagText, origin: `flag ${flag?.split(" ")[0]}`, kind: "flag" };
	for (const [label, environment] of [
		["environment", sources.environment],
		[".env", sources.dotEnv],
	] as const) {
		const found = fromEnvironment(name, environment, label, readFile);
		if (found !== null) return found;
	}
	if (defaultText !== null) return { text: defaultText, origin: "default", kind: "default" };
	return { text: null, origin: "not set", kind: "none" };
}

/** An empty value counts as not set: that is how compose files hand over variables nobody has set. */
function fromEnvironment(
	name: VariableName,
	environment: Environment,
	label: string,
	readFile: (path: string) => string,
): Resolved | null {
	const { aliases = [], hasFile } = definitionOf(name);
	for (const candidate of [name, ...aliases]) {
		const origin = candidate === name ? label : `${label} (${candidate})`;
		const text = environment[candidate];
		const fileName = hasFile ? `${candidate}_FILE` : null;
		const path = fileName === null ? undefined : environment[fileName];
		if (text && path) {
			return {
				text: null,
				origin,
				kind: "environment",
				problem: `must not be set together with ${fileName}`,
			};
		}
		if (text) return { text, origin, kind: "environment" };
		if (path) return fromFile(path, `${label} (${fileName}=${path})`, readFile);
	}
	return null;
}

/** Files of secrets end with a newline more often than not; it is not part of the secret. */
function fromFile(path: string, origin: string, readFile: (path: string) => string): Resolved {
	try {
		return { text: readFile(path).replace(/\r?\n$/, ""), origin, kind: "environment" };
	} catch (error) {
		const reason = (error as NodeJS.ErrnoException).code ?? String(error);
		return {
			text: null,
			origin,
			kind: "environment",
			problem: `its file ${path} must be readable (${reason})`,
		};
	}
}
