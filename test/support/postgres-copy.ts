/**
 * Copies of a test's own Postgres, as a backup or a replica has one: taken while it is down, and started later in its
 * place, on its port, as a server that is behind.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import type { Test } from "tap";
import { waitUntil } from "./wait-until.ts";

export interface ServerProgram {
	readonly dataFolder: string;
	readonly command: readonly string[];
	readonly uid: number;
	readonly gid: number;
}

const GONE_WITHIN_MS = 30_000;

/** How the server with this process is run. Linux only, as /proc is. */
export function programOf(pid: number): ServerProgram {
	const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
	const dataFolder = command[command.indexOf("-D") + 1]!;
	// Its owner is the user it runs as: Postgres insists on that.
	const { uid, gid } = statSync(dataFolder);
	return { dataFolder, command, uid, gid };
}

/** Of a server that is down, with everything it had by then. */
export function copyData({ dataFolder }: ServerProgram): string {
	const copy = `${dataFolder}.copy`;
	const { status, stderr } = spawnSync("cp", ["-a", dataFolder, copy], { encoding: "utf8" });
	if (status !== 0) throw new Error(`cp failed: ${stderr}`);
	return copy;
}

/**
 * Starts the copy in place of a server that is down, as a standby that nobody feeds: it reads only until it is
 * promoted. Its process ends with the test.
 */
export function startStandby(t: Test, program: ServerProgram, copy: string): void {
	renameSync(program.dataFolder, `${program.dataFolder}.lost`);
	renameSync(copy, program.dataFolder);
	writeFileSync(`${program.dataFolder}/standby.signal`, "");
	const [command, ...args] = program.command;
	const { uid, gid } = program;
	const identity = process.getuid?.() === 0 ? { uid, gid } : {};
	const child = spawn(command!, args, {
		detached: true,
		stdio: "ignore",
		cwd: program.dataFolder,
		...identity,
	});
	t.teardown(async () => {
		child.kill("SIGINT");
		await waitUntil(() => child.exitCode !== null || child.signalCode !== null, {
			deadlineMs: GONE_WITHIN_MS,
			what: "the end of the standby",
		});
	});
}
