/**
 * A server that outlives us: started in a session of its own, so that Ctrl-C in our terminal does not reach it before
 * our last commit, with its log in a file and a pid file it writes itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isSameProcess, type ProcessIdentity, startTimeIn } from "./process-identity.ts";

export interface DetachedCommand {
	readonly command: string;
	readonly args: readonly string[];
	/** Its whole environment: ours holds NODE_OPTIONS, PG* and secrets that are none of its business. */
	readonly env: Readonly<Record<string, string>>;
	readonly cwd: string;
	/** Appended to; opened by us, so the server's user needs no right to it. */
	readonly logFile: string;
	/** Written by the server's own process before it becomes the server: there is no moment when it runs unrecorded. */
	readonly pidFile: string;
	/** Null: our own user. */
	readonly runAs: { readonly uid: number; readonly gid: number } | null;
}

export interface StopStep {
	readonly signal: NodeJS.Signals;
	/** Time it has to end before the next step, in ms. */
	readonly waitMs: number;
}

/** `exec` keeps id and start time, so what the shell writes about itself stays true of the server. */
const RECORD_AND_EXEC = `
umask 077
{ echo $$; if [ -r /proc/$$/stat ]; then cat /proc/$$/stat; else LC_ALL=C TZ=UTC ps -o lstart= -p $$; fi; } > "$1.new" &&
mv "$1.new" "$1" || exit 71
shift
exec "$@"
`;

const POLL_MS = 20;
/** A log file above this is set aside at the next start; one older one is kept. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * @returns the child, for its `exit` event; it is unreferenced, so it does not keep us running
 * @throws the system's error when the process cannot be made (for example EPERM for another user)
 */
export async function startDetached(
	wanted: DetachedCommand,
): Promise<ChildProcess & { readonly pid: number }> {
	setAsideWhenLarge(wanted.logFile);
	const log = openSync(wanted.logFile, "a", 0o600);
	try {
		const child = spawn(
			"/bin/sh",
			["-c", RECORD_AND_EXEC, "lottery-engine", wanted.pidFile, wanted.command, ...wanted.args],
			{
				detached: true,
				stdio: ["ignore", log, log],
				cwd: wanted.cwd,
				env: { ...wanted.env },
				...(wanted.runAs === null ? {} : { uid: wanted.runAs.uid, gid: wanted.runAs.gid }),
			},
		);
		if (child.pid === undefined) {
			const [error] = await once(child, "error");
			throw error;
		}
		child.on("error", () => {});
		child.unref();
		return child as ChildProcess & { readonly pid: number };
	} finally {
		closeSync(log);
	}
}

/**
 * The living process that a pid file speaks of, or null when it is dead, or its id belongs to another one by now.
 * @param mark must be in its command line
 */
export function findRecorded(pidFile: string, mark: string): ProcessIdentity | null {
	let lines: readonly string[];
	try {
		lines = readFileSync(pidFile, "utf8").split("\n");
	} catch {
		return null;
	}
	const found = identify(Number(lines[0]));
	if (found === null || found.startedAt !== startTimeIn(lines[1] ?? "")) return null;
	return found.command.includes(mark) ? found : null;
}

/**
 * Sends the signals one after the other, each only while it is still the same process. Returns when it is gone.
 * @throws Error when it survives the last one
 */
export async function stopProcess(
	target: ProcessIdentity,
	steps: readonly StopStep[],
): Promise<NodeJS.Signals | null> {
	for (const { signal, waitMs } of steps) {
		if (!isSameProcess(target)) return null;
		try {
			process.kill(target.pid, signal);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
		}
		const deadline = performance.now() + waitMs;
		while (performance.now() < deadline) {
			if (!isSameProcess(target)) return signal;
			await sleep(POLL_MS);
		}
	}
	throw new Error(
		`process ${target.pid} (${target.command.slice(0, 80)}) is still there after ${steps.at(-1)?.signal}`,
	);
}

/** The end of a log file, for an error message. */
export function logTail(logFile: string, lines: number): string {
	try {
		return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
	} catch {
		return "";
	}
}

function setAsideWhenLarge(logFile: string): void {
	try {
		if (statSync(logFile).size <= LOG_BYTES_MAX) return;
		rmSync(`${logFile}.1`, { force: true });
		renameSync(logFile, `${logFile}.1`);
	} catch {
		// There is no log yet.
	}
}
