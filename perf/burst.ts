/** `node perf burst`: ten times the rate for a quarter of a minute, and how long it is felt. */
import { latencyFigures, startTraffic } from "./support/load/traffic.ts";
import { decimal, integer } from "./support/options.ts";
import { peakMemoryBytes } from "./support/process-usage.ts";
import type { Figure } from "./support/result.ts";
import { defineScenario } from "./support/scenario.ts";

const LOOK_EVERY_MS = 50;
/** A backlog of less than this much traffic at the base rate is none: what waits for the next commit. */
const CALM_SECONDS = 0.25;

export const scenario = defineScenario({
	name: "burst",
	about:
		"ten times the rate for 15 s: highest backlog, time until it is gone, latency before, in and behind it, memory",
	options: {
		rate: integer(30_000, [100, 1_000_000], "events a second before and behind the burst"),
		times: decimal(10, [1, 1_000], "how many times that in the burst"),
		burstSeconds: decimal(15, [1, 600], "how long the burst is"),
		baseSeconds: decimal(
			10,
			[2, 600],
			"how long the base rate is held before it, and behind it once all is calm",
		),
		warmUpSeconds: decimal(3, [0, 60], "before anything is counted"),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
	},
	quick: { burstSeconds: 3, baseSeconds: 2, warmUpSeconds: 1 },
	async run(context) {
		const { rate, times, burstSeconds, baseSeconds, warmUpSeconds, partitions } = context.options;
		const traffic = await startTraffic(context, { partitions });
		const load = await traffic.load(rate * times);
		let backlogMax = 0;
		const look = () => {
			traffic.mustRun();
			const backlog = load.progress().invisible ?? 0;
			backlogMax = Math.max(backlogMax, backlog);
			return backlog;
		};
		/** Until the time is over. */
		const watch = async (seconds: number) => {
			const untilMs = performance.now() + seconds * 1000;
			for (let leftMs = seconds * 1000; leftMs > 0; leftMs = untilMs - performance.now()) {
				await context.sleep(Math.min(leftMs, LOOK_EVERY_MS));
				look();
			}
		};

		await load.setRate(rate);
		context.mark(`${rate.toLocaleString("en")} events/s`);
		await context.sleep(warmUpSeconds * 1000);
		await load.window("before");
		await watch(baseSeconds);
		const backlogBefore = backlogMax;
		await load.window("burst");
		await load.setRate(rate * times);
		context.mark(`${times} times as many`);
		await watch(burstSeconds);
		await load.setRate(rate);
		await load.window("behind");
		const burstEndedMs = performance.now();
		context.mark(`${rate.toLocaleString("en")} events/s again`);
		const calm = Math.max(backlogBefore, rate * CALM_SECONDS);
		await context.until("the backlog of the burst is gone", () => look() <= calm, { everyMs: LOOK_EVERY_MS });
		const drainSeconds = (performance.now() - burstEndedMs) / 1000;
		context.mark("backlog gone");
		await watch(baseSeconds);
		await load.window(null);
		const memory = peakMemoryBytes(traffic.engine.pid);
		const { distributions } = await traffic.settle(load);
		const timeline = await traffic.finish();
		await traffic.check();
		const figure = (name: string, value: number, unit: string, about: string): Figure => ({
			name,
			value,
			unit,
			better: "lower",
			about,
		});
		return {
			figures: [
				figure(
					"drain-seconds",
					drainSeconds,
					"s",
					"from the end of the burst until no more was waiting than before it",
				),
				figure("backlog-max", backlogMax, "events", "most events that were due and could not be queried yet"),
				figure("backlog-before", backlogBefore, "events", "the same before the burst"),
				...(memory === null
					? []
					: [figure("memory-max", memory, "bytes", "most memory the engine ever had")]),
				...distributions.flatMap((distribution) =>
					latencyFigures(`${distribution.name}-`, whenOf(distribution.name), distribution),
				),
			],
			distributions,
			timeline,
		};
	},
});

function whenOf(window: string): string {
	if (window === "before") return "before the burst";
	return window === "burst" ? "due in the burst" : "due behind the burst";
}
