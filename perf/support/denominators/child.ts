/** Runs a process to its end, and says what it printed and used. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parseStat } from "../process-usage.ts";

export interface ChildOutcome {
	readonly stdout: string;
	readonly stderr: string;
	/** CPU seconds of the process in user and kernel mode, by the difference of our children's account; null off Linux. */
	readonly cpuSeconds: number | null;
}

export interface ChildOptions {
	readonly env?: Readonly<Record<string, string>>;
	/** An open file for its stdin; default: none. */
	readonly stdin?: number;
}

/** @throws Error when it does not end with exit code 0, with what it said; at an abort */
export async function runChild(
	[program, ...args]: readonly [string, ...string[]],
	signal: AbortSignal,
	{ env = {}, stdin }: ChildOptions = {},
): Promise<ChildOutcome> {
	signal.throwIfAborted();
	const before = reapedSeconds();
	const child = spawn(program, args, {
		env: { ...process.env, ...env },
		stdio: [stdin ?? "ignore", "pipe", "pipe"],
		signal,
	});
	const output = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const)
		child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
			output[name] += chunk;
		});
	const [code, killed] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
	const after = reapedSeconds();
	const cpuSeconds = before === null || after === null ? null : after - before;
	if (code === 0) return { ...output, cpuSeconds };
	throw new Error(`${program} ended with ${killed ?? `exit code ${code}`}: ${output.stderr.trim()}`);
}

/** What all ended children of this process have used: node gives no account of a single one. */
function reapedSeconds(): number | null {
	try {
		return parseStat(readFileSync("/proc/self/stat", "utf8")).reapedSeconds;
	} catch {
		return null;
	}
}
