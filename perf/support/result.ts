/**
 * What a scenario measured: the JSON file of a run, from which the table, the HTML report and every comparison are made.
 * Names stay as they are once a baseline is checked in.
 */

/** Whether a greater value is good news; null: neither, it is there for people. */
export type Better = "higher" | "lower" | null;

/** One figure, e.g. `{ name: "throughput", value: 400123, unit: "events/s", better: "higher" }`. */
export interface Figure {
	/** Unique within a result; lower case with dashes. */
	readonly name: string;
	readonly value: number;
	/** `events/s`, `ms`, `s`, `µs/event`, `bytes`, `events`, `ratio`, `count`, `pairs`. */
	readonly unit: string;
	readonly better: Better;
	/** One sentence: what it is and how it was taken. */
	readonly about: string;
}

/** A figure of this run divided by one measured in the same run: comparable between machines. */
export interface Ratio extends Figure {
	readonly unit: "ratio";
	/** Names of the two figures. */
	readonly of: string;
	readonly to: string;
}

/** One moment of a run. Numbers are null while unknown. */
export interface Sample {
	/** Seconds since the run began. */
	readonly atSeconds: number;
	/** Events sent so far, as the sender knows it. */
	readonly sent: number | null;
	/** Records committed so far, as Postgres's offset rows say (its truth). */
	readonly committed: number | null;
	/** The same and the lag as the engine's own `/metrics` say. */
	readonly engineCommitted: number | null;
	readonly engineLag: number | null;
	/** Resident memory of the engine's process (all engines together) in bytes. */
	readonly memoryBytes: number | null;
	/** Open file descriptors of the engine. */
	readonly handles: number | null;
	/** CPU seconds used so far, by whom; `engine` is the whole process, the others are parts of it or beside it. */
	readonly cpuSeconds: Readonly<Record<CpuOwner, number | null>>;
	/** Partitions paused by the engine, all reasons. */
	readonly paused: number | null;
}

export type CpuOwner = "engine" | "main" | "actors" | "gc" | "postgres" | "kafka" | "sender";

/** A distribution of durations. */
export interface Distribution {
	readonly name: string;
	readonly unit: "ms";
	readonly count: number;
	readonly p50: number;
	readonly p95: number;
	readonly p99: number;
	readonly max: number;
	/** Ascending: `count` values are at most `atMost` and above the one before. For the plot. */
	readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
}

/** Something that happened, drawn as a line over the plots: `kill -9`, `Postgres frozen`. */
export interface Mark {
	readonly atSeconds: number;
	readonly text: string;
}

/** A line of a curve that is no time series: `µs/event` over `partitions`. */
export interface Curve {
	readonly name: string;
	readonly xLabel: string;
	readonly yLabel: string;
	readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface ScenarioResult {
	/** Version of this format. */
	readonly format: 1;
	readonly scenario: string;
	/** One sentence: what was done. */
	readonly about: string;
	/** ISO time of the start. */
	readonly at: string;
	/** The command line that repeats it. */
	readonly command: string;
	readonly machine: {
		readonly cpu: string;
		readonly cores: number;
		readonly memoryBytes: number;
		readonly kernel: string;
	};
	readonly versions: {
		readonly engine: string;
		/** Short hash of the commit, `-dirty` behind it when files differ; null outside a repository. */
		readonly commit: string | null;
		readonly node: string;
		readonly postgres: string | null;
		readonly kafka: string | null;
	};
	/** Options of the scenario as they were used, defaults included. */
	readonly options: Readonly<Record<string, string | number | boolean>>;
	/** The engine's settings that differ from its defaults. */
	readonly settings: Readonly<Record<string, string>>;
	/** The first is the one that matters. */
	readonly figures: readonly Figure[];
	readonly ratios: readonly Ratio[];
	readonly distributions: readonly Distribution[];
	readonly samples: readonly Sample[];
	readonly marks: readonly Mark[];
	readonly curves: readonly Curve[];
	/** What was compared with what was sent, as sentences. A result exists only when all of them hold. */
	readonly checked: readonly string[];
}
