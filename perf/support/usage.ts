/**
 * What processes of this machine have used so far, by part, read from /proc (Linux only; null elsewhere).
 *
 * The threads of a Node process have no names before Node 22, but an order: the main thread, the scheduler of delayed
 * tasks and four platform threads (garbage collection and compilation), the signal inspector, four of libuv, and then
 * our actors. A test runs a Node with two busy workers and looks whether they are found.
 */
import { readdirSync, readFileSync } from "node:fs";
import { cpuSeconds, parseStat } from "./process-usage.ts";

export interface ProcessUsage {
	/** CPU seconds in user and kernel mode since the start. */
	readonly cpu: {
		readonly all: number;
		readonly main: number;
		/** Worker threads. */
		readonly actors: number;
		/** Threads of V8: parallel garbage collection, compilation. What the main thread collects itself is in `main`. */
		readonly helpers: number;
	};
	readonly residentBytes: number;
	/** Open file descriptors. */
	readonly handles: number;
}

export interface Thread {
	readonly id: number;
	readonly name: string;
	/** CPU seconds. */
	readonly seconds: number;
}

export type ThreadKind = "main" | "actors" | "helpers" | "other";

const PAGE_BYTES = 4096;
/** Behind the main thread, in the order Node makes them. */
const HELPERS = 5;
const SIGNALS_AND_LIBUV = 5;
/** Names that Node 22 and later give; Linux cuts them to 15 characters. */
const NAMED: Readonly<Record<string, ThreadKind>> = {
	DelayedTaskSche: "helpers",
	V8Worker: "helpers",
	SignalInspector: "other",
	"libuv-worker": "other",
};

/** Null when there is no such process. */
export function processUsage(pid: number): ProcessUsage | null {
	try {
		const threads = readdirSync(`/proc/${pid}/task`).map((id) => threadOf(pid, Number(id)));
		const present = threads.filter((thread) => thread !== null);
		const kinds = threadKinds(pid, present);
		const secondsOf = (kind: ThreadKind) =>
			present.reduce((sum, thread) => sum + (kinds.get(thread.id) === kind ? thread.seconds : 0), 0);
		const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
		return {
			cpu: {
				// Not the sum over the threads: those that ended are in the process's account only.
				all: parseStat(readFileSync(`/proc/${pid}/stat`, "utf8")).ownSeconds,
				main: secondsOf("main"),
				actors: secondsOf("actors"),
				helpers: secondsOf("helpers"),
			},
			residentBytes: pages * PAGE_BYTES,
			handles: readdirSync(`/proc/${pid}/fd`).length,
		};
	} catch {
		return null;
	}
}

/** Who is who among the threads of a Node process, by thread id. */
export function threadKinds(pid: number, threads: readonly Thread[]): ReadonlyMap<number, ThreadKind> {
	const sorted = threads.toSorted((a, b) => a.id - b.id);
	return new Map(sorted.map((thread, index) => [thread.id, kindOf(thread, index, pid)]));
}

function kindOf({ id, name }: Thread, index: number, pid: number): ThreadKind {
	if (id === pid) return "main";
	const named = NAMED[name];
	if (named !== undefined) return named;
	if (index <= HELPERS) return "helpers";
	return index <= HELPERS + SIGNALS_AND_LIBUV ? "other" : "actors";
}

/** CPU seconds of a server with all its processes; null when it is not on this machine. */
export function serverCpuSeconds(pid: number | null): number | null {
	return pid === null ? null : cpuSeconds(pid);
}

function threadOf(pid: number, id: number): Thread | null {
	try {
		const line = readFileSync(`/proc/${pid}/task/${id}/stat`, "utf8");
		const name = line.slice(line.indexOf("(") + 1, line.lastIndexOf(")"));
		return { id, name, seconds: parseStat(line).ownSeconds };
	} catch {
		// It ended while we looked.
		return null;
	}
}
