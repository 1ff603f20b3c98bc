/**
 * Who a process is: its id alone is not enough, since ids are given out again. Start time and id together name one
 * process of this boot; the command line says whether it is one of ours.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
	readonly pid: number;
	/** Clock ticks since boot on Linux, a date elsewhere: compared, never read. */
	readonly startedAt: string;
	/** Arguments separated by blanks. */
	readonly command: string;
}

/** `ps` hangs when a process it looks at does; a start must not hang with it. */
const PS_TIMEOUT_MS = 5_000;

/** The living process with this id, or null. A zombie is dead. */
export function identify(pid: number): ProcessIdentity | null {
	if (!Number.isSafeInteger(pid) || pid <= 0) return null;
	return process.platform === "linux" ? identifyByProc(pid) : identifyByPs(pid);
}

export function isSameProcess(known: ProcessIdentity): boolean {
	return identify(known.pid)?.startedAt === known.startedAt;
}

/**
 * The start time within a line of `/proc/<pid>/stat`, or the line itself when it is `ps -o lstart=`'s. The name in
 * the stat line is cut off first: it may hold blanks and brackets.
 */
export function startTimeIn(line: string): string {
	const nameEnd = line.lastIndexOf(")");
	if (nameEnd < 0) return line.trim().replace(/\s+/g, " ");
	return line.slice(nameEnd + 2).split(" ")[START_TIME_FIELD] ?? "";
}

/** Field 22 of proc(5), counted from field 3, which follows the name. */
const START_TIME_FIELD = 19;

function identifyByProc(pid: number): ProcessIdentity | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		const state = stat[stat.lastIndexOf(")") + 2];
		if (state === "Z" || state === "X") return null;
		const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
		return { pid, startedAt: startTimeIn(stat), command };
	} catch {
		return null;
	}
}

function identifyByPs(pid: number): ProcessIdentity | null {
	const ask = (field: string) => {
		const asked = spawnSync("ps", ["-ww", "-o", `${field}=`, "-p", String(pid)], {
			encoding: "utf8",
			timeout: PS_TIMEOUT_MS,
			env: { PATH: process.env["PATH"] ?? "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" },
		});
		return asked.status === 0 ? asked.stdout.trim() : "";
	};
	const startedAt = startTimeIn(ask("lstart"));
	if (startedAt === "" || ask("stat").startsWith("Z")) return null;
	return { pid, startedAt, command: ask("command") };
}
