/** What every command is given: the configuration, how it came about, and the log. */
import type { Command } from "commander";
import type { Config } from "../config/config.ts";
import { configFlagsOf } from "../config/flags.ts";
import { type ConfigEntry, loadConfig } from "../config/load.ts";
import type { VariableGroup } from "../config/variable.ts";
import { createLog, type Log } from "../log.ts";

export interface CommandContext {
	readonly config: Config;
	/** Every variable with its effective value (secrets masked) and its origin. */
	readonly entries: readonly ConfigEntry[];
	readonly log: Log;
}

/** Loads the configuration for a command and says what is doubtful about it. Throws what `loadConfig` throws. */
export function openContext(command: Command, groups: readonly VariableGroup[]): CommandContext {
	const { config, entries, warnings } = loadConfig({ flags: configFlagsOf(command, groups) });
	const log = createLog(config.log);
	for (const warning of warnings) log.warn(warning);
	return { config, entries, log };
}

/** Told the exit code of a command's run. */
export type Finish = (code: number) => void;
