/** Stops all processes of a server of this machine, as a machine that hangs would, and lets them go on. */
import { readdirSync, readFileSync } from "node:fs";
import { type ProcessStat, parseStat } from "../process-usage.ts";

/**
 * SIGSTOP for a process and all its descendants, the first one first, so that it starts no more of them; gives what
 * lets exactly those go on.
 */
export function freezeProcesses(pid: number): () => void {
	const stopped = new Set<number>();
	const stop = (one: number): void => {
		if (signal(one, "SIGSTOP")) stopped.add(one);
	};
	stop(pid);
	for (const one of descendants(pid, processes())) stop(one);
	return () => {
		for (const one of stopped) signal(one, "SIGCONT");
	};
}

/** Children, their children and so on, in any order. */
export function descendants(pid: number, all: readonly Pick<ProcessStat, "pid" | "parentPid">[]): number[] {
	const children = all.filter(({ parentPid }) => parentPid === pid).map((stat) => stat.pid);
	return children.flatMap((child) => [child, ...descendants(child, all)]);
}

function processes(): ProcessStat[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.flatMap((name) => {
			try {
				return [parseStat(readFileSync(`/proc/${name}/stat`, "utf8"))];
			} catch {
				// It ended meanwhile.
				return [];
			}
		});
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): boolean {
	try {
		return process.kill(pid, name);
	} catch {
		// It ended meanwhile.
		return false;
	}
}
