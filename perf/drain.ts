/** `node perf drain`: how fast the engine empties a full topic into an empty database, beside its two denominators. */
import { type CopyBaseline, openCopyBaseline } from "./support/denominators/copy-binary.ts";
import { type Denominator, readWithKafkajs } from "./support/denominators/kafkajs-read.ts";
import { drainOutcome } from "./support/drain-outcome.ts";
import { type Drained, drainOnce } from "./support/drain-run.ts";
import { fillTopic } from "./support/fill-topic.ts";
import { decimal, flag, integer } from "./support/options.ts";
import { defineScenario } from "./support/scenario.ts";

export const scenario = defineScenario({
	name: "drain",
	about:
		"reads a full topic into an empty database: events/s, CPU per event, memory, against bare kafkajs and COPY",
	options: {
		// Below 100,000 the engine is done before its second commit is seen.
		events: integer(2_000_000, [100_000, 100_000_000], "events in the topic"),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
		users: integer(10_000, [1, 5_000_000], "distinct users; few of them are busy"),
		hours: integer(24, [1, 87_600], "hours of event time"),
		badRatio: decimal(0, [0, 0.8], "share of bad events"),
		paddingBytes: integer(0, [0, 1000], "bytes more in each event"),
		seed: integer(1, [0, 2 ** 32 - 1], "seed of the stream"),
		runs: integer(3, [1, 100], "drains of the same topic, each followed by its denominators"),
		engineOnly: flag("no denominators, and so no ratios"),
	},
	// Some seconds at the rates of today; the whole takes about half a minute on two quiet cores.
	quick: { events: 800_000 },
	async run(context) {
		const { runs, engineOnly, partitions, ...content } = context.options;
		const topic = await context.topic({ partitions });
		const sent = await fillTopic(context, topic, content);
		const drained: Drained[] = [];
		const reads: Denominator[] = [];
		const copies: Denominator[] = [];
		let copy: CopyBaseline | null = null;
		for (let number = 1; number <= runs; number++) {
			const label = `drain ${number} of ${runs}`;
			const run = await drainOnce(context, { topic, sent, label });
			drained.push(run);
			context.note(`${label}: ${Math.round(run.eventsPerSecond).toLocaleString("en")} events/s, checked`);
			if (!engineOnly) {
				reads.push(
					await readWithKafkajs(context, {
						brokers: topic.brokers,
						topic: topic.name,
						groupId: `${topic.name}-read-${number}`,
						sent,
					}),
				);
				copy ??= await openCopyBaseline(context, run.database);
				copies.push(await copy.run());
			}
			// The first one holds the rows for COPY; the others would only fill the disk.
			if (number > 1 || copy === null) await run.database.remove();
		}
		return drainOutcome(drained, { reads, copies, copiedBy: copy?.by ?? null });
	},
});
