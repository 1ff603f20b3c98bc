/** One measured figure set, its table and its file: the same for every program that reads the topic. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { packageRoot, packageVersion } from "../../schema/package-root.ts";

/** Figures of one run; null is what could not be seen from this machine. */
export interface Measurement {
	/** Who did the work: `engine`, later also bare clients as denominators. */
	readonly subject: string;
	readonly eventsPerSecond: number;
	/** Events and seconds the rate is made of, between the first and the last commit that were seen. */
	readonly events: number;
	readonly seconds: number;
	/** From starting the process to the last commit, in seconds. */
	readonly wholeSeconds: number;
	/** CPU time in µs per event, in the same interval. */
	readonly cpuMicrosPerEvent: {
		readonly own: number | null;
		readonly postgres: number | null;
		readonly kafka: number | null;
	};
	readonly peakMemoryBytes: { readonly own: number | null; readonly kafka: number | null };
	/** Records not committed at the end. */
	readonly lag: number | null;
	readonly recoveries: number;
}

/** The run in the middle by its rate (the slower of the two when their number is even). */
export function medianOf(runs: readonly Measurement[]): Measurement {
	const sorted = runs.toSorted((a, b) => a.eventsPerSecond - b.eventsPerSecond);
	const middle = sorted[(sorted.length - 1) >> 1];
	if (middle === undefined) throw new RangeError("no run to take the median of");
	return middle;
}

/** For people: one line a run and the median. */
export function tableOf(runs: readonly Measurement[]): string {
	const table = new Table({
		head: [
			"run",
			"events/s",
			"own CPU µs",
			"Postgres µs",
			"Kafka µs",
			"own peak MB",
			"Kafka peak MB",
			"lag",
			"recoveries",
		],
		style: { head: [], border: [] },
	});
	const rows = runs.map((run, index) => [`${run.subject} ${index + 1}`, ...cells(run)]);
	if (runs.length > 1) rows.push(["median", ...cells(medianOf(runs))]);
	table.push(...rows);
	return table.toString();
}

function cells({
	eventsPerSecond,
	cpuMicrosPerEvent: cpu,
	peakMemoryBytes: memory,
	lag,
	recoveries,
}: Measurement): string[] {
	return [
		Math.round(eventsPerSecond).toLocaleString("en"),
		...[cpu.own, cpu.postgres, cpu.kafka].map((micros) => micros?.toFixed(2) ?? "?"),
		...[memory.own, memory.kafka].map((bytes) => (bytes === null ? "?" : (bytes / 2 ** 20).toFixed(0))),
		`${lag ?? "?"}`,
		`${recoveries}`,
	];
}

export interface Result {
	readonly scenario: string;
	readonly at: string;
	readonly machine: object;
	readonly program: object;
	readonly options: object;
	readonly runs: readonly Measurement[];
	readonly median: Measurement;
}

/** Adds what one needs to know to compare a figure with another day's. */
export function resultOf(scenario: string, options: object, runs: readonly Measurement[]): Result {
	const [first] = cpus();
	return {
		scenario,
		at: new Date().toISOString(),
		machine: {
			cpu: first?.model ?? "unknown",
			cores: cpus().length,
			memoryBytes: totalmem(),
			kernel: release(),
			node: process.versions.node,
		},
		program: { version: packageVersion(), commit: commit() },
		options,
		runs,
		median: medianOf(runs),
	};
}

/** Folder of results; not part of the repository, for a figure belongs to its machine. */
export function resultsFolder(): string {
	const folder = join(packageRoot(), "perf", "results");
	mkdirSync(folder, { recursive: true });
	return folder;
}

/** Writes the result and returns its path. */
export function saveResult(result: Result): string {
	const path = join(resultsFolder(), `${result.scenario}-${result.at.replaceAll(":", "-")}.json`);
	writeFileSync(path, `${JSON.stringify(result, null, "\t")}\n`);
	return path;
}

function commit(): string | null {
	try {
		return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: packageRoot(), stdio: "pipe" })
			.toString()
			.trim();
	} catch {
		// A release without its repository.
		return null;
	}
}
