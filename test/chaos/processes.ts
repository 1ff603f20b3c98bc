/** Signals to the processes of a Postgres that is ours. */
import { readdirSync, readFileSync } from "node:fs";

/** Processes whose parent is `pid`, as Linux knows them. */
export function childrenOf(pid: number): number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((child) => parentOf(child) === pid);
}

function parentOf(pid: number): number | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		// State and parent follow the name, which may hold blanks and brackets.
		return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
	} catch {
		return null;
	}
}

/** Says whether there was such a process. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
	try {
		process.kill(pid, name);
		return true;
	} catch {
		return false;
	}
}
