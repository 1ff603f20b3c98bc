/** `node perf steady`: a fixed rate for a minute, a slow one before it, and nothing behind it. */
import { readWithKafkajs } from "./support/denominators/kafkajs-read.ts";
import type { PerfEngine } from "./support/engine.ts";
import { latencyFigures, runStretch, type StretchResult, startTraffic } from "./support/load/traffic.ts";
import { decimal, integer } from "./support/options.ts";
import type { Figure, Ratio } from "./support/result.ts";
import { defineScenario, type ScenarioContext } from "./support/scenario.ts";
import { processUsage } from "./support/usage.ts";

export const scenario = defineScenario({
	name: "steady",
	about:
		"a slow and a fast fixed rate: throughput, backlog, latency from due to queryable, CPU, and CPU when idle",
	options: {
		rate: integer(100_000, [100, 5_000_000], "events a second; about half of what drain reaches"),
		seconds: decimal(60, [2, 86_400], "how long"),
		slowRate: integer(1_000, [1, 1_000_000], "events a second of the slow stretch before it"),
		slowSeconds: decimal(30, [2, 86_400], "how long the slow stretch is"),
		warmUpSeconds: decimal(3, [0, 600], "at each rate, before anything is counted"),
		idleSeconds: decimal(10, [0, 600], "without traffic at the end; 0: none"),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
		users: integer(10_000, [1, 5_000_000], "distinct users"),
	},
	quick: { rate: 20_000, seconds: 6, slowSeconds: 3, warmUpSeconds: 1, idleSeconds: 0 },
	async run(context) {
		const { rate, seconds, slowRate, slowSeconds, warmUpSeconds, idleSeconds } = context.options;
		const { partitions, users } = context.options;
		const traffic = await startTraffic(context, { partitions, content: { users } });
		const slow = await runStretch(context, traffic, await traffic.load(slowRate), {
			name: "latency-slow",
			perSecond: slowRate,
			warmUpSeconds,
			seconds: slowSeconds,
		});
		const fast = await runStretch(context, traffic, await traffic.load(rate), {
			name: "latency",
			perSecond: rate,
			warmUpSeconds,
			seconds,
		});
		const timeline = await traffic.finish();
		const idle = idleSeconds > 0 ? await idleFigure(context, traffic.engine, idleSeconds) : [];
		await traffic.check();
		const { topic } = traffic;
		const read = await readWithKafkajs(context, {
			brokers: topic.brokers,
			topic: topic.name,
			groupId: `${topic.name}-read`,
			sent: await topic.count(),
		});
		const figures = [...figuresOf("", rate, fast), ...figuresOf("slow-", slowRate, slow), ...idle];
		const readCpu = read.cpuMicrosPerEvent.own;
		if (readCpu !== null)
			figures.push({
				name: "cpu-kafkajs-read",
				value: readCpu,
				unit: "µs/event",
				better: null,
				about: "a bare kafkajs consumer reading the same topic at full speed afterwards",
			});
		return {
			figures,
			ratios: ratiosOf(figures),
			distributions: [fast.latency, slow.latency],
			timeline,
		};
	},
});

function figuresOf(prefix: string, perSecond: number, stretch: StretchResult): Figure[] {
	const { committed, seconds, cpu, backlogs, latency } = stretch;
	const what = `at ${perSecond.toLocaleString("en")} events/s`;
	const figure = (name: string, value: number, unit: string, better: Figure["better"], about: string) => ({
		name: prefix + name,
		value,
		unit,
		better,
		about: `${about}, ${what}`,
	});
	const perEvent = (name: string, seconds: number | null, about: string) =>
		seconds === null ? [] : [figure(name, (seconds * 1e6) / committed, "µs/event", "lower", about)];
	return [
		...latencyFigures(prefix, what, latency),
		figure("asked", perSecond, "events/s", null, "rate at which events fell due"),
		figure("throughput", committed / seconds, "events/s", "higher", "events committed within the stretch"),
		figure("backlog-max", Math.max(...backlogs), "events", "lower", "due and not yet to be queried"),
		...perEvent("cpu-engine", cpu.engine, "the engine's process"),
		...perEvent("cpu-postgres", cpu.postgres, "Postgres with all its processes, our looks included"),
		...perEvent("cpu-kafka", cpu.kafka, "Kafka"),
		...perEvent("cpu-sender", cpu.sender, "the process that sends and looks for commits"),
		...(cpu.engine === null
			? []
			: [figure("cores-engine", cpu.engine / seconds, "ratio", "lower", "cores the engine used")]),
		figure("sent-late-max", stretch.latenessMsMax, "ms", null, "longest that a batch waited for the sender"),
		figure("look-gap-max", stretch.pollGapMsMax, "ms", null, "longest time between two looks for commits"),
	];
}

async function idleFigure(context: ScenarioContext, engine: PerfEngine, seconds: number): Promise<Figure[]> {
	context.note(`idle for ${seconds} s`);
	const before = { cpu: processUsage(engine.pid)?.cpu.all, atMs: performance.now() };
	await context.sleep(seconds * 1000);
	const after = { cpu: processUsage(engine.pid)?.cpu.all, atMs: performance.now() };
	if (before.cpu === undefined || after.cpu === undefined) return [];
	return [
		{
			name: "cores-engine-idle",
			value: ((after.cpu - before.cpu) * 1000) / (after.atMs - before.atMs),
			unit: "ratio",
			better: "lower",
			about: "share of one core the engine uses without traffic, behind all of it, nobody looking",
		},
	];
}

/** Only what stays the same on another machine of the same kind is to be compared; see compare. */
function ratiosOf(figures: readonly Figure[]): Ratio[] {
	const value = (name: string) => figures.find((figure) => figure.name === name)?.value;
	const ratio = (of: string, to: string, better: Ratio["better"], about: string): Ratio[] => {
		const [above, below] = [value(of), value(to)];
		if (above === undefined || below === undefined || below === 0) return [];
		return [{ name: `${of}/${to}`, value: above / below, unit: "ratio", better, about, of, to }];
	};
	return [
		...ratio("throughput", "asked", "higher", "1: the engine keeps up"),
		...ratio(
			"cpu-engine",
			"cpu-kafkajs-read",
			// Below the limit of the engine its cost is by the fetch and by the flush, and how many there are is up to the machine.
			null,
			"what all of the engine's work costs against reading only",
		),
	];
}
