/** `node perf soak --minutes 60`: steady traffic for as long as you like; memory, handles and lag must stay flat. */
import { watchCommitted } from "./support/cases/committed.ts";
import { holdSnapshot } from "./support/cases/held-snapshot.ts";
import { readWriterUsage, setCosts, type WriterUsage } from "./support/cases/set-cost.ts";
import { soakVerdict } from "./support/cases/soak-verdict.ts";
import { startLoad } from "./support/load/load.ts";
import { decimal, flag, integer } from "./support/options.ts";
import { peakMemoryBytes } from "./support/process-usage.ts";
import type { Figure } from "./support/result.ts";
import { defineScenario } from "./support/scenario.ts";
import { readProgress } from "./support/status-poll.ts";

/** Share of the time in which heap and caches fill, and the longest that they may take. */
const WARM_UP_SHARE = 0.25;
const WARM_UP_SECONDS_MAX = 180;
/** Enough for the line and the plots, few enough for a report that opens at once. */
const SAMPLES_MAX = 1_500;
const SAMPLE_MS_MIN = 250;
const SETTLE_MS_MAX = 120_000;
const MS_PER_MINUTE = 60_000;
const PROGRESS_EVERY_MS = 1_000;
/** Stretches of which the cost of a set is told. */
const COST_PARTS = 10;
/** Latency is no question of a soak, but a slow growth of it would be. */
const POLL_MS = 100;
/** Whoever looks at the offset rows behind a held snapshot walks over all their versions. */
const POLL_BEHIND_SNAPSHOT_MS = 1_000;

export const scenario = defineScenario({
	name: "soak",
	about: "steady traffic for --minutes: memory, handles and lag stay flat",
	options: {
		minutes: decimal(10, [0.2, 10_080], "how long"),
		rate: integer(
			5_000,
			[10, 500_000],
			"events per second; each takes about 250 bytes of disk in Kafka and Postgres",
		),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
		heldSnapshot: flag("a transaction with an old snapshot is open from the end of the warm-up on"),
	},
	quick: { minutes: 0.4, rate: 2_000 },
	async run(context) {
		const { minutes, rate, partitions, heldSnapshot } = context.options;
		const topic = await context.topic({ partitions });
		const database = await context.database();
		const engine = await context.engine({ topic: topic.name, databaseUrl: database.url });
		const load = await startLoad({
			brokers: topic.brokers,
			topic: topic.name,
			topRatePerSecond: rate,
			databaseUrl: database.url,
			pollIntervalMs: heldSnapshot ? POLL_BEHIND_SNAPSHOT_MS : POLL_MS,
		});
		context.onCleanup(() => load.stop());
		const committed = watchCommitted(context, database.url, () => engine);
		await load.setRate(rate);
		await committed.atLeast(1);
		const wholeMs = minutes * MS_PER_MINUTE;
		const sampler = await context.sample({
			engines: () => [engine],
			databaseUrl: database.url,
			sent: () => load.progress().acknowledged,
			senderCpuSeconds: () => load.progress().cpuSeconds,
			intervalMs: Math.max(SAMPLE_MS_MIN, wholeMs / SAMPLES_MAX),
		});
		const warmUpSeconds = Math.min(WARM_UP_SECONDS_MAX, (wholeMs / 1000) * WARM_UP_SHARE);
		await context.sleep(warmUpSeconds * 1000);
		const warmAt = sampler.now();
		context.mark("warm");
		let release = async () => {};
		if (heldSnapshot) {
			release = await holdSnapshot(database.url);
			context.onCleanup(release);
			context.mark("a snapshot is held");
		}
		await load.window("latency");
		const steadyMs = wholeMs - warmUpSeconds * 1000;
		const endMs = performance.now() + steadyMs;
		const costs: WriterUsage[] = [];
		const readCost = async () => {
			const isHere = context.places.pids.postgres !== null;
			const usage = isHere ? await readWriterUsage(database.url, engine.url, sampler.now()) : null;
			if (usage !== null) costs.push(usage);
		};
		await readCost();
		while (performance.now() < endMs) {
			if (engine.ended() !== null)
				throw new Error(`the engine ended with ${engine.ended()}\n${engine.logTail()}`);
			const left = Math.max(0, endMs - performance.now());
			if (steadyMs - left >= (costs.length * steadyMs) / COST_PARTS) await readCost();
			context.progress("soaking, minutes", (wholeMs - left) / MS_PER_MINUTE, minutes);
			await context.sleep(Math.min(PROGRESS_EVERY_MS, left));
		}
		await readCost();
		await release();
		const timeline = await sampler.stop();
		const { acknowledged, distributions } = await load.finish(SETTLE_MS_MAX);
		const recoveries = (await readProgress(engine.url))?.recoveries ?? 0;
		const peak = peakMemoryBytes(engine.pid);
		await engine.stop();
		await context.check(database, { sent: acknowledged });
		const warm = timeline.samples.filter(({ atSeconds }) => atSeconds >= warmAt);
		const { growing, figures } = soakVerdict(warm, rate);
		for (const sentence of growing) context.note(sentence);
		if (growing.length === 0) context.checked("memory, handles and lag stayed flat after the warm-up");
		const verdict: Figure = {
			name: "growing",
			value: growing.length,
			unit: "count",
			better: "lower",
			about: growing.length === 0 ? "of memory, handles and lag none grows: flat" : growing.join("; "),
		};
		const others: Figure[] = [
			...(peak === null
				? []
				: [
						{
							name: "memory-peak",
							value: peak,
							unit: "bytes",
							better: "lower" as const,
							about: "most memory of the engine ever resident",
						},
					]),
			{
				name: "sent",
				value: acknowledged,
				unit: "events",
				better: null,
				about: "sent, acknowledged and stored",
			},
			{
				name: "recoveries",
				value: recoveries,
				unit: "count",
				better: "lower",
				about: "times the engine began again",
			},
		];
		const { curves, figures: grown } = setCosts(costs);
		return { figures: [verdict, ...figures, ...grown, ...others], curves, distributions, timeline };
	},
});
