/**
 * The command line's outermost layer: runs a command, turns what goes wrong into a message and an exit code.
 * Which commands there are is in program.ts.
 */
import { CommanderError } from "commander";
import { ConfigError, EngineError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { allowHeapGrowth } from "./heap-growth.ts";
import { createProgram } from "./program.ts";

/**
 * Runs one command line and returns its exit code. Never throws.
 * @param args without node and the script: `["start", "--migrate"]`
 */
export async function main(args: readonly string[]): Promise<number> {
	const { program, exitCode } = createProgram();
	try {
		await program.parseAsync([...args], { from: "user" });
		return exitCode();
	} catch (error) {
		return report(error, isDebugging(args));
	}
}

/** `main` as a whole process: ends it with the exit code, whatever is still open. */
export async function runProcess(args: readonly string[]): Promise<never> {
	allowHeapGrowth();
	// The reader of a pipe has seen enough (`| head`): that is no failure of ours.
	process.stdout.on("error", (error: NodeJS.ErrnoException) => {
		if (error.code === "EPIPE") process.exit(EXIT.ok);
		throw error;
	});
	process.stderr.on("error", (error: NodeJS.ErrnoException) => {
		if (error.code !== "EPIPE") throw error;
	});
	const code = await main(args);
	// Data may still be on its way to a slow reader; an empty write is answered when it is through.
	await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
	process.exit(code);
}

function report(error: unknown, isDebugging: boolean): number {
	// Commander has printed help, version or its own message already. Help that was asked for is no error.
	if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
	const shown = error instanceof Error ? error : new Error(String(error));
	const isForPeople = shown instanceof EngineError;
	process.stderr.write(`error: ${shown.message || shown.name}\n`);
	if (isForPeople && shown.nextStep !== null) process.stderr.write(`next:  ${shown.nextStep}\n`);
	if (isDebugging) process.stderr.write(`${shown.stack}\n${causesOf(shown, shown instanceof ConfigError)}`);
	else if (!isForPeople) process.stderr.write("next:  run it again with LOG_LEVEL=debug for the stack\n");
	return isForPeople ? shown.exitCode : EXIT.failure;
}

function causesOf(error: Error, isComplete: boolean): string {
	const { cause } = error;
	if (isComplete || !(cause instanceof Error)) return "";
	return `caused by ${cause.stack}\n${causesOf(cause, false)}`;
}

/** Read by hand, since the error may be one of the configuration itself. */
function isDebugging(args: readonly string[]): boolean {
	const flag = args.find((arg) => arg.startsWith("--log-level="))?.split("=")[1];
	const position = args.indexOf("--log-level");
	const level = flag ?? (position < 0 ? process.env["LOG_LEVEL"] : args[position + 1]);
	return level === "debug" || level === "trace";
}
