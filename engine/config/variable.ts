/** What one row of the table of variables says. */
import type { Parser } from "./parsers.ts";

/** Which commands take the variable as a flag. */
export type VariableGroup = "kafka" | "postgres" | "engine" | "http" | "log" | "home";

export interface Variable<T = unknown, D extends string | null = string | null> {
	readonly group: VariableGroup;
	/** A sentence for people. */
	readonly description: string;
	readonly parser: Parser<T>;
	/** Text that goes through the parser like any other value; null when there is none. */
	readonly defaultText: D;
	/** Names the older system used. */
	readonly aliases?: readonly string[];
	/** Flag with its placeholder. Secrets have none: every user of the machine sees the arguments of a process. */
	readonly flag?: string;
	/** `whole`: never shown. `url`: shown without its password. */
	readonly secret?: "whole" | "url";
	/** `NAME_FILE` may name a file that holds the value (how containers hand over secrets). */
	readonly hasFile?: boolean;
}

/** Keeps the types of the value and of the default apart for every row. */
export function variable<T, const D extends string | null>(definition: Variable<T, D>): Variable<T, D> {
	return definition;
}
