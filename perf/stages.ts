/** `node perf stages`: what an event costs at each stage alone, in CPU, next to what it costs in the whole. */
import { createCorpus } from "./micro/corpus.ts";
import { type Measured, measure, QUICK, THOROUGH } from "./micro/measure.ts";
import { MICROS } from "./micro/micros.ts";
import { fetchNs } from "./stages/fetch-cost.ts";
import { FLUSH_STEPS, flushCosts } from "./stages/flush-cost.ts";
import { stageFigures } from "./stages/stage-figures.ts";
import { drainOnce } from "./support/drain-run.ts";
import { fillTopic } from "./support/fill-topic.ts";
import { flag, integer } from "./support/options.ts";
import { defineScenario } from "./support/scenario.ts";

export const scenario = defineScenario({
	name: "stages",
	about: "CPU per event of each stage alone, on the real code, next to a drain as a whole",
	options: {
		events: integer(1_000_000, [100_000, 10_000_000], "events of the drain"),
		stageEvents: integer(400_000, [50_000, 1_000_000], "events the stages are measured with"),
		rough: flag("short rounds"),
	},
	quick: { events: 300_000, stageEvents: 100_000, rough: true },
	async run(context) {
		const { events, stageEvents, rough } = context.options;
		const topic = await context.topic({ partitions: 8 });
		const sent = await fillTopic(context, topic, { events });
		const drained = await drainOnce(context, { topic, sent });
		context.note("drained; now the source alone");
		const fetch = await fetchNs(context, topic, sent);

		context.note("the stages alone");
		const corpus = await createCorpus({ events: stageEvents });
		const stages = new Map<string, Measured>();
		for (const micro of MICROS) {
			context.signal.throwIfAborted();
			context.progress("stages", stages.size, MICROS.length);
			const round = await micro.prepare(corpus);
			stages.set(micro.name, await measure(round, rough ? QUICK : THOROUGH));
			round.close?.();
		}
		context.note(`flushing into Postgres: ${FLUSH_STEPS.join(", ")}`);
		const database = await context.database();
		const flush = await flushCosts(database, corpus, context.signal);
		await context.check(database, { sent: stageEvents, deadLetters: 0 });
		return { figures: stageFigures({ drained, fetch, stages, flush }), timeline: drained.timeline };
	},
});
