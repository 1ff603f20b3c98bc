/**
 * An unusual stream drained beside the usual one, in turns, in one run: how much of the usual rate is left is comparable
 * between machines, while the rates themselves are not.
 */

import { figuresOfDrains } from "../drain-outcome.ts";
import type { Drained } from "../drain-run.ts";
import { drainOnce } from "../drain-run.ts";
import { fillTopic } from "../fill-topic.ts";
import type { LoadContent } from "../load/content.ts";
import { median, medianOrNull, middleOf } from "../median.ts";
import { type AnyValues, integer, type OptionValues } from "../options.ts";
import type { Figure, Ratio } from "../result.ts";
import type { Outcome, ScenarioContext } from "../scenario.ts";

/** Options of every scenario of this kind. */
export const BESIDE_NORMAL_OPTIONS = {
	// Below 100,000 the engine is done before its second commit is seen.
	events: integer(1_000_000, [100_000, 50_000_000], "events in each of the two topics"),
	partitions: integer(8, [1, 1000], "partitions of each topic"),
	runs: integer(3, [1, 100], "drains of each topic, in turns"),
	seed: integer(1, [0, 2 ** 32 - 1], "seed of both streams"),
} as const;

/** What `--quick` makes of them. */
export const BESIDE_NORMAL_QUICK = { events: 200_000, runs: 1 } as const;

export interface BesideNormalRequest {
	/** What differs from the usual stream. */
	readonly content: Partial<LoadContent>;
	/** Exactly so many of its records are bad; without it any number is right. */
	readonly deadLetters?: number;
	/** Settings of the engine over its defaults, for both streams. */
	readonly settings?: Readonly<Record<string, string>>;
}

type BesideNormalValues = OptionValues<typeof BESIDE_NORMAL_OPTIONS> & AnyValues;

/** Drains both streams `runs` times in turns, every result checked, and compares the medians. */
export async function drainBesideNormal(
	context: ScenarioContext<BesideNormalValues>,
	{ content, deadLetters, settings }: BesideNormalRequest,
): Promise<Outcome> {
	const { events, partitions, runs, seed } = context.options;
	const filled = async (changes: Partial<LoadContent>) => {
		const topic = await context.topic({ partitions });
		return { topic, sent: await fillTopic(context, topic, { events, seed, ...changes }) };
	};
	const normalTopic = await filled({});
	const unusualTopic = await filled(content);
	const normal: Drained[] = [];
	const unusual: Drained[] = [];
	const drain = async (request: Parameters<typeof drainOnce>[1], into: Drained[]) => {
		const run = await drainOnce(context, { ...request, ...(settings && { settings }) });
		const rate = Math.round(run.eventsPerSecond).toLocaleString("en");
		context.note(`${request.label}: ${rate} events/s, checked`);
		into.push(run);
		await run.database.remove();
	};
	for (let number = 1; number <= runs; number++) {
		await drain({ ...normalTopic, label: `usual stream, ${number} of ${runs}`, deadLetters: 0 }, normal);
		const label = `unusual stream, ${number} of ${runs}`;
		await drain({ ...unusualTopic, label, ...(deadLetters !== undefined && { deadLetters }) }, unusual);
	}
	return besideNormalOutcome(unusual, normal);
}

/** Figures of the unusual stream, the two of the usual one they are compared with, and their ratios. */
export function besideNormalOutcome(unusual: readonly Drained[], normal: readonly Drained[]): Outcome {
	const rate = (runs: readonly Drained[]) => median(runs.map((run) => run.eventsPerSecond));
	const cpu = (runs: readonly Drained[]) => medianOrNull(runs.map(cpuOfAll));
	const figures: Figure[] = [
		...figuresOfDrains(unusual),
		{
			name: "normal-throughput",
			value: rate(normal),
			unit: "events/s",
			better: null,
			about: "the same number of events of the usual stream, drained in turns with it",
		},
	];
	const ratios: Ratio[] = [
		{
			name: "throughput/normal",
			value: rate(unusual) / rate(normal),
			unit: "ratio",
			better: "higher",
			about: "how much of the usual rate is left",
			of: "throughput",
			to: "normal-throughput",
		},
	];
	const [cpuUnusual, cpuNormal] = [cpu(unusual), cpu(normal)];
	if (cpuUnusual !== null && cpuNormal !== null && cpuNormal > 0) {
		const all = "CPU of engine, Postgres and Kafka together";
		figures.push(
			{ name: "cpu-all", value: cpuUnusual, unit: "µs/event", better: "lower", about: all },
			{
				name: "normal-cpu-all",
				value: cpuNormal,
				unit: "µs/event",
				better: null,
				about: `${all}, usual stream`,
			},
		);
		ratios.push({
			name: "cpu/normal",
			value: cpuUnusual / cpuNormal,
			unit: "ratio",
			better: "lower",
			about: "CPU per event against the usual stream's; steadier than rates on a busy machine",
			of: "cpu-all",
			to: "normal-cpu-all",
		});
	}
	return { figures, ratios, timeline: middleOf(unusual, (run) => run.eventsPerSecond).timeline };
}

/** Per event in µs; null when any part could not be seen. */
function cpuOfAll({ cpuMicrosPerEvent: { engine, postgres, kafka } }: Drained): number | null {
	return engine === null || postgres === null || kafka === null ? null : engine + postgres + kafka;
}
