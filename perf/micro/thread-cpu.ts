/** CPU time, not time on the clock: neighbours on the same cores then cost nearly nothing. */
import { readFileSync } from "node:fs";

/**
 * CPU time of the main thread in ns, as of the scheduler's last look, at most some ms ago; null where there is no
 * Linux. https://docs.kernel.org/scheduler/sched-stats.html, "/proc/<pid>/schedstat".
 */
export function mainThreadCpuNs(): number | null {
	return schedstatNs(`/proc/self/task/${process.pid}/schedstat`);
}

/** CPU time of the main thread in ns; where it cannot be seen, of all threads of this process. */
export function mainThreadOrOwnCpuNs(): number {
	return mainThreadCpuNs() ?? ownCpuNs();
}

/** The same of a process with one thread, such as a backend of Postgres; null when it cannot be seen. */
export function processCpuNs(pid: number): number | null {
	return schedstatNs(`/proc/${pid}/schedstat`);
}

/** Of this process, all threads (the garbage collector's too). */
export function ownCpuNs(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) * 1000;
}

function schedstatNs(path: string): number | null {
	try {
		return Number(readFileSync(path, "utf8").split(" ")[0]);
	} catch {
		return null;
	}
}
