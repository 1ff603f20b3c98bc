import type { CommandContext } from "./context.ts";

/** Placeholder until the supervisor is wired in. */
export async function runDemo(_options: CommandContext & Record<string, unknown>): Promise<number> {
	throw new Error("demo is not written yet");
}
