/**
 * `node perf scale`: the same full topic drained by one engine, by two and by three of one group.
 *
 * On a machine with two cores more engines cannot be faster: then it shows what sharing costs. With Kafka and Postgres
 * elsewhere it shows what they gain. A rate begins with the first commit of any engine: the others may still be joining
 * then, so take many events where you want the rate of a fleet at work.
 */
import { type Drained, drainOnce } from "./support/drain-run.ts";
import { fillTopic } from "./support/fill-topic.ts";
import { median, medianOrNull, middleOf } from "./support/median.ts";
import { integer } from "./support/options.ts";
import type { Curve, Figure, Ratio } from "./support/result.ts";
import { defineScenario, type Outcome } from "./support/scenario.ts";

export const scenario = defineScenario({
	name: "scale",
	about: "one, two and three engines of one group empty the same topic: rate and CPU",
	options: {
		events: integer(2_000_000, [200_000, 100_000_000], "events in the topic"),
		partitions: integer(12, [1, 1000], "partitions of the topic, shared by the engines"),
		engines: integer(3, [1, 8], "most engines"),
		runs: integer(2, [1, 100], "drains with each number of engines, in turns"),
		seed: integer(1, [0, 2 ** 32 - 1], "seed of the stream"),
	},
	quick: { events: 600_000, runs: 1 },
	async run(context) {
		const { events, partitions, engines, runs, seed } = context.options;
		const topic = await context.topic({ partitions });
		const sent = await fillTopic(context, topic, { events, seed });
		const drained = Array.from({ length: engines }, (): Drained[] => []);
		for (let number = 1; number <= runs; number++) {
			for (const [index, of] of drained.entries()) {
				const label = `${enginesText(index + 1)}, ${number} of ${runs}`;
				const run = await drainOnce(context, { topic, sent, engines: index + 1, label });
				of.push(run);
				context.note(`${label}: ${Math.round(run.eventsPerSecond).toLocaleString("en")} events/s, checked`);
				await run.database.remove();
			}
		}
		return scaleOutcome(drained);
	},
});

/** `drained[n]` are the drains of n + 1 engines. */
export function scaleOutcome(drained: readonly (readonly Drained[])[]): Outcome {
	const rates = drained.map((runs) => median(runs.map((run) => run.eventsPerSecond)));
	const cpus = drained.map((runs) => medianOrNull(runs.map((run) => run.cpuMicrosPerEvent.engine)));
	const figures: Figure[] = [];
	const ratios: Ratio[] = [];
	for (const [index, runs] of drained.entries()) {
		const name = nameOf(index + 1);
		const figure = (
			what: string,
			value: number | null,
			unit: string,
			better: Figure["better"],
			about: string,
		) => {
			if (value !== null) figures.push({ name: `${name}-${what}`, value, unit, better, about });
		};
		figure(
			"throughput",
			rates[index]!,
			"events/s",
			"higher",
			`${enginesText(index + 1)}, between the first commit seen and the last${index === 0 ? "" : "; the joining of the others, with its rebalances, is inside"}`,
		);
		figure("cpu", cpus[index]!, "µs/event", "lower", "CPU of all engines together");
		figure(
			"memory-peak",
			medianOrNull(runs.map((run) => run.peakMemoryBytes)),
			"bytes",
			"lower",
			"most memory ever resident, of all engines together",
		);
		figure(
			"first-commit",
			median(runs.map((run) => run.firstCommitSeconds)),
			"s",
			"lower",
			"from the start of the processes to the first commit of any",
		);
		if (index === 0) continue;
		ratios.push({
			name: `${name}/${nameOf(1)}`,
			value: rates[index]! / rates[0]!,
			unit: "ratio",
			better: "higher",
			about: `rate of ${enginesText(index + 1)} against that of one, on the same cores`,
			of: `${name}-throughput`,
			to: `${nameOf(1)}-throughput`,
		});
	}
	const curve = (name: string, yLabel: string, ys: readonly (number | null)[]): Curve => ({
		name,
		xLabel: "engines",
		yLabel,
		points: ys.flatMap((y, index) => (y === null ? [] : [{ x: index + 1, y }])),
	});
	return {
		figures,
		ratios,
		curves: [curve("Rate by engines", "events/s", rates), curve("CPU by engines", "µs/event", cpus)],
		timeline: middleOf(drained.at(-1)!, (run) => run.eventsPerSecond).timeline,
	};
}

function nameOf(engines: number): string {
	return engines === 1 ? "1-engine" : `${engines}-engines`;
}

function enginesText(engines: number): string {
	return engines === 1 ? "one engine" : `${engines} engines`;
}
