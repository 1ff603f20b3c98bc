/** Runs the compiled program as a child process, away from the developer's environment and `.env`. */
import { type ChildProcess, spawn } from "node:child_process";

export interface CommandResult {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface CommandOptions {
	/** The whole environment besides PATH and HOME. */
	readonly env?: Readonly<Record<string, string>>;
	/** Where `.env` is looked for and relative paths start. */
	readonly cwd: string;
	/** What stdin holds; nothing by default. */
	readonly input?: string | Buffer;
	/** Stdin is left to `onStart`. */
	readonly keepsStdinOpen?: boolean;
	/** Sees the process while it runs, for signals and pipes. */
	readonly onStart?: (child: ChildProcess) => unknown;
}

const MAIN = new URL("../../engine/main.js", import.meta.url).href;

/** The program's own entry, so that the out folder of the build does not matter: `engine/index.js` always takes `dist`. */
const SCRIPT = `import(${JSON.stringify(MAIN)}).then(({ runProcess }) => runProcess(process.argv.slice(1)))`;

export function runEngine(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
	return runNode(["-e", SCRIPT, "--", ...args], options);
}

export function runNode(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
	const { PATH = "", HOME = options.cwd } = process.env;
	const child = spawn(process.execPath, args, { cwd: options.cwd, env: { PATH, HOME, ...options.env } });
	let stdout = "";
	let stderr = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		stderr += text;
	});
	child.stdin.on("error", () => undefined);
	if (!options.keepsStdinOpen) child.stdin.end(options.input ?? "");
	options.onStart?.(child);
	return new Promise((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (code) => resolve({ code, stdout, stderr }));
	});
}
