/** `node perf ramp`: the highest rate at which the backlog stays bounded and p99 below a second. */
import { RateSearch, whyItDoesNotHold } from "./support/load/rate-search.ts";
import { latencyFigures, runStretch, type StretchResult, startTraffic } from "./support/load/traffic.ts";
import { decimal, integer } from "./support/options.ts";
import type { Curve, Figure } from "./support/result.ts";
import { defineScenario } from "./support/scenario.ts";

interface Step {
	readonly perSecond: number;
	readonly stretch: StretchResult;
	/** Null: it held. */
	readonly why: string | null;
}

export const scenario = defineScenario({
	name: "ramp",
	about:
		"raises the rate until the backlog grows or p99 reaches a second: the highest rate that can be lived with",
	options: {
		from: integer(50_000, [100, 5_000_000], "events a second to begin with"),
		factor: decimal(1.4, [1.05, 10], "what the rate is raised by as long as it holds"),
		stepSeconds: decimal(8, [2, 600], "how long each rate is held"),
		warmUpSeconds: decimal(2, [0, 60], "at each rate, before anything is counted"),
		stepsMax: integer(10, [1, 100], "most rates to try"),
		p99MsMax: integer(1_000, [10, 60_000], "highest p99 that holds, in ms"),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
	},
	quick: { stepSeconds: 2, warmUpSeconds: 1, stepsMax: 4, factor: 2 },
	async run(context) {
		const { from, factor, stepSeconds, warmUpSeconds, stepsMax, p99MsMax, partitions } = context.options;
		const traffic = await startTraffic(context, { partitions });
		const search = new RateSearch(from, factor, stepsMax);
		const steps: Step[] = [];
		for (let perSecond = search.next(); perSecond !== null; perSecond = search.next()) {
			const load = await traffic.load(perSecond);
			const name = `${perSecond.toLocaleString("en")} events/s`;
			const stretch = await runStretch(context, traffic, load, {
				name,
				perSecond,
				warmUpSeconds,
				seconds: stepSeconds,
			});
			const { backlogs, seconds, latency } = stretch;
			const why = whyItDoesNotHold({ perSecond, backlogs, seconds, p99Ms: latency.p99 }, p99MsMax);
			context.note(`${name}: ${why ?? `holds, p99 ${latency.p99} ms`}`);
			search.judged(perSecond, why === null);
			steps.push({ perSecond, stretch, why });
		}
		const timeline = await traffic.finish();
		await traffic.check();
		const best = steps.find(({ perSecond }) => perSecond === search.best);
		if (best === undefined) {
			const tried = steps.map(({ perSecond, why }) => `${perSecond}: ${why}`).join("; ");
			throw new Error(`no rate held (${tried}): begin lower with --from`);
		}
		const lowestFailed = Math.min(...steps.filter(({ why }) => why !== null).map((step) => step.perSecond));
		return {
			figures: [
				{
					name: "highest-rate",
					value: best.perSecond,
					unit: "events/s",
					better: "higher",
					about: `held for ${stepSeconds} s with a bounded backlog and p99 below ${p99MsMax} ms${Number.isFinite(lowestFailed) ? `; ${lowestFailed.toLocaleString("en")} did not` : "; no higher one was tried"}`,
				} satisfies Figure,
				...latencyFigures("", "at the highest rate", best.stretch.latency),
			],
			distributions: [best.stretch.latency],
			curves: curvesOf(steps),
			timeline,
		};
	},
});

function curvesOf(steps: readonly Step[]): Curve[] {
	const sorted = steps.toSorted((a, b) => a.perSecond - b.perSecond);
	const curve = (name: string, yLabel: string, y: (step: Step) => number | null): Curve => ({
		name,
		xLabel: "events/s asked",
		yLabel,
		points: sorted.flatMap((step) => {
			const value = y(step);
			return value === null ? [] : [{ x: step.perSecond, y: value }];
		}),
	});
	return [
		curve("committed by rate", "events/s", ({ stretch }) => stretch.committed / stretch.seconds),
		curve("p99 by rate", "ms", ({ stretch }) => stretch.latency.p99),
		curve("p50 by rate", "ms", ({ stretch }) => stretch.latency.p50),
		curve("engine CPU by rate", "µs/event", ({ stretch: { cpu, committed } }) =>
			cpu.engine === null || committed === 0 ? null : (cpu.engine * 1e6) / committed,
		),
	];
}
