/** Runs the program as its users do: `node engine <command>`, of the same build as this file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export type Environment = Readonly<Record<string, string>>;

/** What `engine/index.js` does, for whichever folder the build is in. */
const MAIN = new URL("../../engine/main.js", import.meta.url).href;

/** Program and arguments of `node engine <args>`. */
export function engineCommand(
	args: readonly string[],
	nodeArguments: readonly string[] = [],
): [string, ...string[]] {
	const script = `import(${JSON.stringify(MAIN)}).then((main) => main.runProcess(process.argv.slice(1)))`;
	return [process.execPath, ...nodeArguments, "-e", script, "--", ...args];
}

/**
 * Runs one command to its end and returns its stdout; stderr goes to the terminal.
 * @throws Error when it does not end with exit code 0, or when `signal` is aborted.
 */
export async function runCommand(
	args: readonly string[],
	environment: Environment,
	signal?: AbortSignal,
): Promise<string> {
	const [program, ...rest] = engineCommand(args);
	const child: ChildProcess = spawn(program, rest, {
		env: { ...process.env, ...environment },
		stdio: ["ignore", "pipe", "inherit"],
	});
	const stop = () => child.kill("SIGTERM");
	signal?.addEventListener("abort", stop);
	const chunks: Buffer[] = [];
	child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
	const [code, killed] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
	signal?.removeEventListener("abort", stop);
	if (code === 0) return Buffer.concat(chunks).toString();
	throw new Error(`"node engine ${args.join(" ")}" ended with ${killed ?? `exit code ${code}`}`);
}
