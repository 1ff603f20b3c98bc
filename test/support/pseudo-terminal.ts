/**
 * The engine as a person sees it, on a pseudo-terminal. `script` of util-linux makes one; Debian has it everywhere
 * (bsdutils is essential).
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { urlOf } from "../../engine/parts.ts";
import type { TestDatabase } from "./database.ts";
import { environmentFor } from "./parts.ts";
import { ScreenReader } from "./screen-reader.ts";
import type { TestTopic } from "./topic.ts";
import { waitUntil } from "./wait-until.ts";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	readonly passing: () => boolean;
	comment(...message: string[]): unknown;
	teardown(handler: () => Promise<void>): void;
}

export interface TerminalEngineOptions {
	readonly topic: Pick<TestTopic, "name" | "brokers">;
	readonly database: Pick<TestDatabase, "settings">;
	readonly columns?: number;
	readonly rows?: number;
	readonly env?: Readonly<Record<string, string>>;
	/** More arguments behind `start --migrate`. */
	readonly args?: readonly string[];
}

export interface TerminalEngine {
	/** What stands on the terminal, the lines that have scrolled away first. */
	readonly screen: ScreenReader;
	/** Everything that was sent to the terminal. */
	readonly sent: () => string;
	/** Types on the keyboard. */
	type(text: string): void;
	/** Makes the window another size. */
	resize(columns: number, rows: number): void;
	/** Waits until the lines, joined by line breaks, match. */
	shows(pattern: RegExp): Promise<void>;
	/** Resolves with the exit code of the engine. */
	readonly exited: Promise<number | null>;
}

export const CTRL_C = "\u0003";
/** Stops the terminal, and lets it go on. */
export const CTRL_S = "\u0013";
export const CTRL_Q = "\u0011";

const MAIN = new URL("../../engine/main.js", import.meta.url).href;
const CODE = `import(${JSON.stringify(MAIN)}).then(({ runProcess }) => runProcess(process.argv.slice(1)))`;
/** The size is set before the engine asks for it; the first line tells which terminal it is. */
const COMMAND =
	'stty cols "$PTY_COLUMNS" rows "$PTY_ROWS"; tty; exec "$PTY_NODE" -e "$PTY_CODE" -- $PTY_ARGUMENTS';
const LINES_SHOWN = 40;

export function startOnTerminal(t: TestWithTeardown, options: TerminalEngineOptions): TerminalEngine {
	const { topic, database, columns = 100, rows = 30, env = {}, args = [] } = options;
	const screen = new ScreenReader(columns, rows);
	const child = spawn("script", ["-qefc", COMMAND, "/dev/null"], {
		// Away from a checkout's own .env; the file system's root has none.
		cwd: "/",
		stdio: ["pipe", "pipe", "inherit"],
		env: environmentFor({
			SHELL: "/bin/sh",
			TERM: "xterm-256color",
			CI: "",
			NO_COLOR: "",
			PTY_NODE: process.execPath,
			PTY_CODE: CODE,
			PTY_ARGUMENTS: ["start", "--migrate", ...args].join(" "),
			PTY_COLUMNS: String(columns),
			PTY_ROWS: String(rows),
			KAFKA_BROKERS: topic.brokers.join(","),
			KAFKA_TOPIC: topic.name,
			KAFKA_GROUP_ID: topic.name,
			DATABASE_URL: urlOf(database.settings),
			HTTP_PORT: "0",
			...env,
		}),
	});
	let sent = "";
	let broken: unknown = null;
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		sent += text;
		try {
			screen.write(text);
		} catch (error) {
			broken ??= error;
		}
	});
	const exited = once(child, "close").then(([code]) => code as number | null);
	t.teardown(async () => {
		// Its end of the terminal closes with it, which ends the engine too.
		if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
		await exited;
		if (!t.passing()) t.comment(`the end of the terminal:\n${screen.lines.slice(-LINES_SHOWN).join("\n")}`);
	});
	return {
		screen,
		sent: () => sent,
		type: (text) => {
			child.stdin.write(text);
		},
		resize(newColumns, newRows) {
			const [, path] = /^(\/dev\/\S+)/.exec(sent) ?? [];
			screen.resize(newColumns, newRows);
			const size = ["cols", String(newColumns), "rows", String(newRows)];
			const { status, stderr } = spawnSync("stty", ["-F", path ?? "", ...size], { encoding: "utf8" });
			if (status !== 0) throw new Error(`the terminal keeps its size: ${stderr}`);
		},
		async shows(pattern) {
			await waitUntil(
				() => {
					if (broken !== null) return true;
					return pattern.test(screen.lines.join("\n"));
				},
				{ what: `${pattern} on the terminal` },
			);
			if (broken !== null) throw broken;
		},
		exited,
	};
}
