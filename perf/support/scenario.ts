/**
 * What a load scenario is, and what it is given.
 *
 * How to write one: a file `perf/<name>.ts` that exports `scenario`; `node perf <name>` and `node perf list` find it
 * by its file name, nothing has to be registered.
 *
 *     import { integer } from "./support/options.ts";
 *     import { defineScenario } from "./support/scenario.ts";
 *
 *     export const scenario = defineScenario({
 *     	name: "steady",
 *     	about: "a fixed rate for a minute: throughput, lag and latency",
 *     	options: { seconds: integer(60, [5, 3600], "how long") },
 *     	quick: { seconds: 10 },
 *     	async run(context) {
 *     		const topic = await context.topic({ partitions: 8 });
 *     		const database = await context.database();
 *     		const engine = await context.engine({ topic: topic.name, databaseUrl: database.url });
 *     		const sampler = await context.sample({ engines: () => [engine], databaseUrl: database.url });
 *     		context.mark("rate raised");            // a line in every plot
 *     		// ... send, wait (context.until), measure ...
 *     		const timeline = await sampler.stop();
 *     		await engine.stop();
 *     		await context.check(database, { sent });  // throws when the stored result is wrong
 *     		return { figures: [...], timeline };
 *     	},
 *     });
 *
 * Everything the context makes (topics, databases, engines, samplers) is stopped and removed at the end, whatever
 * happens, Ctrl-C included; `context.onCleanup` adds your own. Throw an Error to fail (exit code 1, nothing is
 * written); there is no result without at least one passed `context.check`. Never write to stdout: the runner prints
 * the table or the JSON there; `note` and `progress` go to stderr.
 */
import type { CheckExpectation, RunDatabase } from "./database.ts";
import type { EngineRequest, PerfEngine } from "./engine.ts";
import type { AnyValues, OptionSpecs, OptionValues } from "./options.ts";
import type { Places } from "./places.ts";
import type { Curve, Distribution, Figure, Ratio } from "./result.ts";
import type { SampleRequest, Sampler, Timeline } from "./sampler.ts";
import type { Topic, TopicRequest } from "./topic.ts";

export interface Scenario<Specs extends OptionSpecs = OptionSpecs> {
	/** The file's name without `.ts`. */
	readonly name: string;
	/** One sentence for the list, the help and the report. */
	readonly about: string;
	readonly options: Specs;
	/** What `--quick` puts in the place of the defaults: the whole should take about 20 s then. */
	readonly quick?: Partial<OptionValues<Specs>>;
	/** Measures, checks, and gives what was measured. Throws when anything does not add up. */
	run(context: ScenarioContext<OptionValues<Specs>>): Promise<Outcome>;
}

/** A scenario with its options forgotten: what the runner handles. */
export interface AnyScenario {
	readonly name: string;
	readonly about: string;
	readonly options: OptionSpecs;
	readonly quick?: AnyValues;
	run(context: ScenarioContext<never>): Promise<Outcome>;
}

/** Keeps the types of the options, so that `context.options.seconds` is a number. */
export function defineScenario<const Specs extends OptionSpecs>(scenario: Scenario<Specs>): Scenario<Specs> {
	return scenario;
}

/** What a scenario measured; the runner adds machine, versions, options, and writes and shows it. */
export interface Outcome {
	/** The first is the one that matters. */
	readonly figures: readonly Figure[];
	readonly ratios?: readonly Ratio[];
	readonly distributions?: readonly Distribution[];
	/** Of the run that is shown; see `Sampler.stop`. */
	readonly timeline?: Timeline;
	readonly curves?: readonly Curve[];
}

/** `ScenarioContext` alone is any scenario's: what helpers take, which do not look at the options. */
export interface ScenarioContext<Values = unknown> {
	readonly options: Values;
	/** Engine settings of `--set`; every engine of the context gets them. */
	readonly settings: Readonly<Record<string, string>>;
	/** Kafka and Postgres: where they are, whether they are embedded ones of ours, their processes. */
	readonly places: Places;
	/** Unique to this run, and good as a name in Kafka and Postgres: `perf_steady_1a2b3c4d`. */
	readonly runId: string;
	/** Aborted at Ctrl-C. */
	readonly signal: AbortSignal;

	/** Makes an empty topic (named by runId and a number), removed at the end. */
	topic(request: TopicRequest): Promise<Topic>;
	/** Makes an empty database, removed at the end. The engine brings its schema (`start --migrate`). */
	database(): Promise<RunDatabase>;
	/** Starts `node engine start --migrate`, stopped at the end. Resolves once the process runs, not once it is ready. */
	engine(request: EngineRequest): Promise<PerfEngine>;
	/** Begins to take samples; several may run. */
	sample(request: SampleRequest): Promise<Sampler>;

	/**
	 * Compares, row by row, what is stored with what was sent, and notes it in the result as checked. Stop the engine
	 * first or wait until nothing moves any more.
	 * @throws CheckError with every difference
	 */
	check(database: RunDatabase, expectation: CheckExpectation): Promise<void>;
	/** Notes something that the scenario compared itself: a sentence for the result. */
	checked(sentence: string): void;

	/** A line on stderr. */
	note(message: string): void;
	/** How far a long step is; a bar on a terminal, a line now and then elsewhere. */
	progress(label: string, done: number, total: number): void;
	/** Something happened now: a line in the plots of the samplers that run, and a note. */
	mark(text: string): void;
	/**
	 * Polls until `condition` gives something truthy, and returns that.
	 * @throws Error after `timeoutMs`, naming `what`; at once when it throws, and at Ctrl-C
	 */
	until<T>(what: string, condition: () => T | Promise<T>, options?: UntilOptions): Promise<Truthy<T>>;
	/** Waits; rejects at Ctrl-C. */
	sleep(milliseconds: number): Promise<void>;
	/** Runs at the end, whatever happens, last added first. */
	onCleanup(action: () => Promise<void>): void;
}

export interface UntilOptions {
	/** Pause between two looks, in ms; default 50. */
	readonly everyMs?: number;
	/** Longest wait, in ms; default 120,000. */
	readonly timeoutMs?: number;
}

export type Truthy<T> = Exclude<T, false | null | undefined | 0 | "">;
