/** Who used the CPU: the owners of result.ts as parts that add up to the whole. */
import type { CpuOwner, Sample } from "../support/result.ts";
import type { Tone } from "./plot-model.ts";
import { ratesOf } from "./rates.ts";

/** Like CpuOwner, but no part lies within another: `rest` is what of the engine's process is not in its named threads. */
export type CpuPart = Exclude<CpuOwner, "engine"> | "engine" | "rest";

export const CPU_PARTS: Readonly<Record<CpuPart, { readonly name: string; readonly tone: Tone }>> = {
	engine: { name: "engine", tone: "blue" },
	main: { name: "engine: main thread", tone: "blue" },
	actors: { name: "engine: actors", tone: "teal" },
	gc: { name: "engine: garbage collection", tone: "gold" },
	rest: { name: "engine: other threads", tone: "purple" },
	postgres: { name: "Postgres", tone: "orange" },
	kafka: { name: "Kafka", tone: "grey" },
	sender: { name: "load sender", tone: "green" },
};

export interface CpuSeries {
	readonly part: CpuPart;
	/** CPU seconds used so far at each sample; null while unknown. */
	readonly seconds: readonly (number | null)[];
}

/** The parts that are known at all, in the order they are stacked. */
export function cpuParts(samples: readonly Sample[]): CpuSeries[] {
	const of = (owner: CpuOwner) => samples.map(({ cpuSeconds }) => cpuSeconds[owner] ?? null);
	const known = (seconds: readonly (number | null)[]) => seconds.some((value) => value !== null);
	const all: CpuSeries[] = [];
	const threads = (["main", "actors", "gc"] as const)
		.map((part) => ({ part, seconds: of(part) }))
		.filter(({ seconds }) => known(seconds));
	const engine = of("engine");
	if (threads.length === 0) all.push({ part: "engine", seconds: engine });
	else {
		all.push(...threads);
		const rest = engine.map((whole, at) => {
			const parts = threads.map(({ seconds }) => seconds[at] ?? null);
			if (whole === null || parts.includes(null)) return null;
			// Threads and process are read one after the other: the difference may be a tick below nothing.
			return Math.max(0, whole - parts.reduce<number>((sum, part) => sum + part!, 0));
		});
		all.push({ part: "rest", seconds: rest });
	}
	for (const part of ["postgres", "kafka", "sender"] as const) all.push({ part, seconds: of(part) });
	return all
		.filter(({ seconds }) => known(seconds))
		.map(({ part, seconds }) => ({ part, seconds: withoutDips(seconds) }));
}

/** Reading a tree of processes while it changes, and threads after their process, makes sums fall by a tick or two. */
const DIP_MAX_SECONDS = 0.25;

function withoutDips(seconds: readonly (number | null)[]): (number | null)[] {
	let most = 0;
	return seconds.map((value) => {
		if (value === null) return null;
		// A greater fall is a process that was started anew.
		most = value < most && most - value <= DIP_MAX_SECONDS ? most : value;
		return most;
	});
}

/** Cores used by each part over time. */
export function coresOverTime(samples: readonly Sample[], windowSeconds: number) {
	return cpuParts(samples).map(({ part, seconds }) => ({
		part,
		points: ratesOf(
			samples.map(({ atSeconds }, at) => ({ atSeconds, count: seconds[at]! })),
			windowSeconds,
		),
	}));
}

/**
 * CPU per committed event of each part in µs, from the first sample with a commit to the last one. Null when that was
 * not two samples, or nothing was committed between them.
 */
export function cpuPerEvent(samples: readonly Sample[]): { part: CpuPart; micros: number }[] | null {
	const committed = samples.map((sample) => sample.committed ?? sample.engineCommitted);
	const first = committed.findIndex((count) => count !== null && count > 0);
	const last = committed.findLastIndex((count) => count !== null);
	if (first === -1 || last <= first) return null;
	// What came after the last commit (a wait at the end) is not part of the work.
	const end = committed.findIndex((count, at) => at > first && count === committed[last]);
	const events = committed[last]! - committed[first]!;
	if (events <= 0) return null;
	const parts = cpuParts(samples).flatMap(({ part, seconds }) => {
		const used = usedBetween(seconds.slice(first, end + 1));
		return used === null ? [] : [{ part, micros: (used * 1e6) / events }];
	});
	return parts.length === 0 ? null : parts;
}

/** What was used from the first known value to the last; a process that began anew counts from 0. */
function usedBetween(seconds: readonly (number | null)[]): number | null {
	const known = seconds.filter((value) => value !== null);
	if (known.length < 2) return null;
	return known
		.slice(1)
		.reduce((sum, value, at) => sum + (value >= known[at]! ? value - known[at]! : value), 0);
}
