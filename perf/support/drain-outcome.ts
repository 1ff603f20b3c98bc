/** From the repetitions of a drain and of its denominators to figures and ratios: medians, which a reader can divide. */
import type { Denominator } from "./denominators/kafkajs-read.ts";
import type { CpuMicros, Drained } from "./drain-run.ts";
import { median, medianOrNull, middleOf } from "./median.ts";
import type { Better, Figure, Ratio } from "./result.ts";
import type { Outcome } from "./scenario.ts";

export interface Denominators {
	readonly reads: readonly Denominator[];
	readonly copies: readonly Denominator[];
	/** `psql` or `pg-copy-streams`; null without copies. */
	readonly copiedBy: string | null;
}

type OutcomeOfDrain = Outcome & Required<Pick<Outcome, "ratios" | "timeline">>;

/** The timeline is that of the drain in the middle. @throws RangeError without drains */
export function drainOutcome(
	drained: readonly Drained[],
	{ reads, copies, copiedBy }: Denominators,
): OutcomeOfDrain {
	const figures = [
		...figuresOfDrains(drained),
		...figuresOfReads(reads),
		...figuresOfCopies(copies, copiedBy),
	];
	return {
		figures,
		ratios: ratiosOf(figures).map((ratio) =>
			// pg-copy-streams takes less CPU from the server than psql does: its rate is another denominator.
			ratio.to === "copy-binary" && copiedBy !== "psql" ? { ...ratio, better: null } : ratio,
		),
		timeline: middleOf(drained, (run) => run.eventsPerSecond).timeline,
	};
}

/** Figures of the engine alone, medians over the drains. For every scenario that drains. */
export function figuresOfDrains(drained: readonly Drained[]): readonly Figure[] {
	const of = (pick: (run: Drained) => number | null) => medianOrNull(drained.map(pick));
	const micros = (name: string, owner: keyof CpuMicros, about: string) =>
		figure(
			name,
			of((run) => run.cpuMicrosPerEvent[owner]),
			"µs/event",
			"lower",
			about,
		);
	return [
		figure(
			"throughput",
			of((run) => run.eventsPerSecond),
			"events/s",
			"higher",
			`events between the first commit seen and the last, divided by the time between them; ${spreadOf(drained)}`,
		),
		figure(
			"throughput-least",
			of(({ events, underWayAtStart, seconds }) => (events - underWayAtStart) / seconds),
			"events/s",
			"higher",
			"the same without the events already being worked on when the interval began: the truth lies between the two",
		),
		figure(
			"throughput-whole",
			of((run) => run.wholeEventsPerSecond),
			"events/s",
			"higher",
			"all events from the start of the process to the last commit: starting, joining and claiming included",
		),
		figure(
			"first-commit",
			of((run) => run.firstCommitSeconds),
			"s",
			"lower",
			"from the start of the process to its first commit",
		),
		micros("cpu-engine", "engine", "CPU of the engine's process, in the same interval"),
		micros("cpu-main", "main", "of it: the main thread"),
		micros("cpu-actors", "actors", "of it: the actors' threads"),
		micros("cpu-gc", "gc", "of it: V8's helper threads, mostly garbage collection"),
		micros("cpu-postgres", "postgres", "CPU of Postgres with all its processes, in the same interval"),
		micros("cpu-kafka", "kafka", "CPU of the broker, in the same interval"),
		figure(
			"memory-peak",
			of((run) => run.peakMemoryBytes),
			"bytes",
			"lower",
			"most memory of the engine ever resident",
		),
		figure(
			"recoveries",
			of((run) => run.recoveries),
			"count",
			"lower",
			"times the engine began again from Postgres",
		),
	].flat();
}

function spreadOf(drained: readonly Drained[]): string {
	const rates = drained.map((run) => Math.round(run.eventsPerSecond).toLocaleString("en"));
	return rates.length === 1 ? "one run" : `median of ${rates.join(", ")}`;
}

function figuresOfReads(reads: readonly Denominator[]): readonly Figure[] {
	if (reads.length === 0) return [];
	return [
		rateOf("kafkajs-read", reads, "bare kafkajs, eachBatch without work, same topic, same fetch settings"),
		...figure(
			"kafkajs-read-cpu",
			medianOrNull(reads.map((read) => read.cpuMicrosPerEvent.own)),
			"µs/event",
			null,
			"CPU of that process",
		),
	];
}

function figuresOfCopies(copies: readonly Denominator[], by: string | null): readonly Figure[] {
	if (copies.length === 0) return [];
	const sum = ({ cpuMicrosPerEvent: { own, postgres } }: Denominator) =>
		own === null || postgres === null ? null : own + postgres;
	return [
		rateOf(
			"copy-binary",
			copies,
			`COPY FROM STDIN in binary by ${by} of the same rows into a table with the same columns and BRIN index`,
		),
		...figure(
			"copy-binary-cpu",
			medianOrNull(copies.map(sum)),
			"µs/event",
			null,
			`CPU of ${by} and Postgres together for it`,
		),
	];
}

function rateOf(name: string, runs: readonly Denominator[], about: string): Figure {
	const rates = runs.map((run) => run.eventsPerSecond);
	const spread = rates.map((rate) => Math.round(rate).toLocaleString("en")).join(", ");
	return {
		name,
		value: median(rates),
		unit: "events/s",
		better: null,
		about: `${about}; ${rates.length === 1 ? "one run" : `median of ${spread}`}`,
	};
}

/** What is unknown on this machine is left out. */
function figure(name: string, value: number | null, unit: string, better: Better, about: string): Figure[] {
	return value === null ? [] : [{ name, value, unit, better, about }];
}

const RATIOS: readonly (Pick<Ratio, "name" | "of" | "to" | "about"> & { readonly better: Better })[] = [
	{
		name: "engine/copy-binary",
		of: "throughput",
		to: "copy-binary",
		better: "higher",
		about:
			"the engine's rate against COPY of the same rows: 1 would be as fast as rows can be written at all",
	},
	{
		name: "engine/kafkajs-read",
		of: "throughput",
		to: "kafkajs-read",
		better: "higher",
		about: "the engine's rate against only reading the topic with the same client library",
	},
	{
		name: "cpu-engine/kafkajs-read-cpu",
		of: "cpu-engine",
		to: "kafkajs-read-cpu",
		better: "lower",
		about:
			"CPU of everything the engine does against that of only reading; steadier than rates on a busy machine",
	},
];

/** Those whose two figures are there. */
export function ratiosOf(figures: readonly Figure[]): readonly Ratio[] {
	const values = new Map(figures.map(({ name, value }) => [name, value]));
	return RATIOS.flatMap((ratio): Ratio[] => {
		const of = values.get(ratio.of);
		const to = values.get(ratio.to);
		return of === undefined || to === undefined || to === 0
			? []
			: [{ ...ratio, value: of / to, unit: "ratio" }];
	});
}
