/** The variables as flags of a command: added to its help, and read back from what was given. */
import { type Command, Option } from "commander";
import type { Flags } from "./resolve.ts";
import type { VariableGroup } from "./variable.ts";
import { definitionOf, VARIABLE_NAMES, type VariableName } from "./variables.ts";

const HEADING = "Configuration (flags win over environment variables, those over .env):";

interface FlagOption {
	readonly name: VariableName;
	readonly option: Option;
}

function optionsOf(groups: readonly VariableGroup[]): FlagOption[] {
	const found: FlagOption[] = [];
	for (const name of VARIABLE_NAMES) {
		const { flag, description, group } = definitionOf(name);
		if (flag === undefined || !groups.includes(group)) continue;
		found.push({ name, option: new Option(flag, `${description} (${name})`).helpGroup(HEADING) });
	}
	return found;
}

/** Adds the flags of these groups. They are checked with the rest of the configuration, so that all errors come at once. */
export function addConfigFlags(command: Command, groups: readonly VariableGroup[]): Command {
	for (const { option } of optionsOf(groups)) command.addOption(option);
	return command;
}

/** What was given of them. */
export function configFlagsOf(command: Command, groups: readonly VariableGroup[]): Flags {
	const given: Partial<Record<VariableName, string>> = {};
	for (const { name, option } of optionsOf(groups)) {
		const value: unknown = command.getOptionValue(option.attributeName());
		if (typeof value === "string") given[name] = value;
	}
	return given;
}
