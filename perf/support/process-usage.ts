/**
 * What a process on this machine has used, read from /proc (Linux only).
 *
 * Fields of /proc/<pid>/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that Node runs on; figures are as coarse as 10 ms. */
const TICKS_PER_SECOND = 100;
const STATE_LISTEN = "0A";

export interface ProcessStat {
	readonly pid: number;
	readonly parentPid: number;
	/** Own time in user and kernel mode, in seconds. */
	readonly ownSeconds: number;
	/** The same of children that ended and were waited for. */
	readonly reapedSeconds: number;
}

/** Reads one line of /proc/<pid>/stat; the command's name may itself hold blanks and brackets. */
export function parseStat(line: string): ProcessStat {
	const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
	// The first field behind the name is the third of the manual page.
	const field = (number: number) => Number(fields[number - 3]);
	return {
		pid: Number.parseInt(line, 10),
		parentPid: field(4),
		ownSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
		reapedSeconds: (field(16) + field(17)) / TICKS_PER_SECOND,
	};
}

/**
 * CPU time of a process and all its descendants, living and reaped, in seconds. Postgres needs all of it: a
 * connection is a process, and one that ended is only in its parent's account. Null when there is no such process.
 */
export function cpuSeconds(pid: number): number | null {
	const stat = readStat(pid);
	if (stat === null) return null;
	const children = childrenOf(pid).map((child) => cpuSeconds(child) ?? 0);
	return children.reduce((sum, seconds) => sum + seconds, stat.ownSeconds + stat.reapedSeconds);
}

/**
 * Processes that a process has started and that still run. Of a process with threads only those that its main thread
 * has started: neither server starts any elsewhere.
 */
export function childrenOf(pid: number): number[] {
	// Kept by the kernel: looking through all of /proc costs a hundred times as much.
	const listed = readText(`/proc/${pid}/task/${pid}/children`);
	if (listed !== null) return listed.trim().split(" ").filter(Boolean).map(Number);
	return pids().filter((other) => readStat(other)?.parentPid === pid);
}

/** Most memory the process itself has ever had resident, in bytes; null when there is no such process. */
export function peakMemoryBytes(pid: number): number | null {
	const status = readText(`/proc/${pid}/status`);
	const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status ?? "")?.[1];
	return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/**
 * The process that listens on a TCP port of this machine; null when none does, or when it is not ours to see.
 * When a child inherited the socket, the oldest one is it.
 */
export function listenerPid(port: number): number | null {
	const inodes = new Set<string>();
	for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
		for (const inode of listeningInodes(readText(table) ?? "", port)) inodes.add(`socket:[${inode}]`);
	}
	const owners = pids().filter((pid) => openFiles(pid).some((file) => inodes.has(file)));
	return owners.length === 0 ? null : Math.min(...owners);
}

/** Socket inodes that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
	const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
	const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
	return rows.filter((row) => row[1]?.endsWith(suffix) && row[3] === STATE_LISTEN).map((row) => row[9] ?? "");
}

function readStat(pid: number): ProcessStat | null {
	const line = readText(`/proc/${pid}/stat`);
	return line === null ? null : parseStat(line);
}

function pids(): number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map(Number);
}

function openFiles(pid: number): string[] {
	const folder = `/proc/${pid}/fd`;
	try {
		return readdirSync(folder).map((name) => {
			try {
				return readlinkSync(`${folder}/${name}`);
			} catch {
				return "";
			}
		});
	} catch {
		// It ended meanwhile, or belongs to somebody else.
		return [];
	}
}

function readText(path: string): string | null {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return null;
	}
}
