/**
 * `node perf restart`: kill -9 in the middle of a drain, again and again, each time followed by a new process at once.
 * How long until it commits something new, and is everything there once.
 */
import { watchCommitted } from "./support/cases/committed.ts";
import type { PerfEngine } from "./support/engine.ts";
import { fillTopic } from "./support/fill-topic.ts";
import { median } from "./support/median.ts";
import { integer } from "./support/options.ts";
import type { Outcome, ScenarioContext } from "./support/scenario.ts";
import { defineScenario } from "./support/scenario.ts";
import { readProgress } from "./support/status-poll.ts";

/** A status costs the engine 0.1 ms of its main thread. What commits between two looks is dated by the later one. */
const POLL_MS = 20;
const FIRST_COMMIT_MS_MAX = 120_000;
/** The last sample should show an engine at rest. */
const REST_MS = 500;

export const scenario = defineScenario({
	name: "restart",
	about: "kill -9 in the middle of a drain: time from the new process's start to its first new commit",
	options: {
		events: integer(3_000_000, [200_000, 100_000_000], "events in the topic"),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
		kills: integer(5, [1, 100], "how often the engine is killed"),
		seed: integer(1, [0, 2 ** 32 - 1], "seed of the stream"),
	},
	quick: { events: 600_000, kills: 2 },
	async run(context) {
		const { events, partitions, kills, seed } = context.options;
		const topic = await context.topic({ partitions });
		const sent = await fillTopic(context, topic, { events, seed });
		const database = await context.database();
		const start = () =>
			context.engine({ topic: topic.name, databaseUrl: database.url, groupId: topic.name, label: "restart" });
		let engine: PerfEngine = await start();
		const startedAtMs = engine.startedAtMs;
		const sampler = await context.sample({
			engines: () => [engine],
			databaseUrl: database.url,
			sent: () => sent,
			// Restarts take a second or two: what happens in them should be seen.
			intervalMs: 100,
		});
		const committed = watchCommitted(context, database.url, () => engine);
		const firstStartSeconds = await firstCommitSeconds(context, engine);
		const restartSeconds: number[] = [];
		for (let kill = 1; kill <= kills; kill++) {
			const done = await committed.atLeast(Math.floor((sent * kill) / (kills + 1)));
			if (done >= sent)
				throw new Error("it was over before it could be killed: use more --events or fewer --kills");
			await engine.kill();
			context.mark(`kill -9, ${kill}`);
			engine = await start();
			const seconds = await firstCommitSeconds(context, engine);
			restartSeconds.push(seconds);
			context.note(`first new commit after ${seconds.toFixed(2)} s`);
		}
		await committed.atLeast(sent);
		const wholeSeconds = (Date.now() - startedAtMs) / 1000;
		await context.sleep(REST_MS);
		const timeline = await sampler.stop();
		await engine.stop();
		await context.check(database, { sent });
		context.checked(`${kills} times kill -9 in the middle, and nothing is lost or doubled`);
		return { ...restartOutcome({ restartSeconds, firstStartSeconds, wholeSeconds, sent }), timeline };
	},
});

/**
 * From the start of the process to the first commit that it counts: a COMMIT of the one before, which Postgres may still
 * finish after the kill, is not it.
 */
async function firstCommitSeconds(context: ScenarioContext, engine: PerfEngine): Promise<number> {
	const { lastCommitAtMs } = await context.until(
		"a first commit",
		async () => {
			const ended = engine.ended();
			if (ended !== null) throw new Error(`the engine ended with ${ended}\n${engine.logTail()}`);
			const progress = await readProgress(engine.url);
			return progress !== null && progress.done > 0 && progress;
		},
		{ everyMs: POLL_MS, timeoutMs: FIRST_COMMIT_MS_MAX },
	);
	if (lastCommitAtMs === null) throw new Error("the status counts events but names no commit");
	return (lastCommitAtMs - engine.startedAtMs) / 1000;
}

export interface RestartRun {
	/** Of each new process: from its start to its first commit. */
	readonly restartSeconds: readonly number[];
	readonly firstStartSeconds: number;
	readonly wholeSeconds: number;
	readonly sent: number;
}

/** @throws RangeError without restarts */
export function restartOutcome({
	restartSeconds,
	firstStartSeconds,
	wholeSeconds,
	sent,
}: RestartRun): Outcome {
	const each = restartSeconds.map((seconds) => seconds.toFixed(2)).join(", ");
	const middle = median(restartSeconds);
	return {
		figures: [
			{
				name: "first-new-commit",
				value: middle,
				unit: "s",
				better: "lower",
				about: `from the start of the new process to its first commit, median of ${each}`,
			},
			{
				name: "first-new-commit-max",
				value: Math.max(...restartSeconds),
				unit: "s",
				better: "lower",
				about: "the longest of them",
			},
			{
				name: "first-start",
				value: firstStartSeconds,
				unit: "s",
				better: "lower",
				about: "the very first start, with the schema to make and nobody before it",
			},
			{
				name: "whole",
				value: wholeSeconds,
				unit: "s",
				better: "lower",
				about: `from the first start to the last commit of all ${sent.toLocaleString("en")} events, ${restartSeconds.length} kills included`,
			},
		],
		ratios: [
			{
				name: "first-new-commit/first-start",
				value: middle / firstStartSeconds,
				unit: "ratio",
				better: "lower",
				about: "what a dead predecessor costs beside the start of a process as such",
				of: "first-new-commit",
				to: "first-start",
			},
		],
		curves: [
			{
				name: "Time to the first new commit",
				xLabel: "kill",
				yLabel: "s",
				points: restartSeconds.map((y, at) => ({ x: at + 1, y })),
			},
		],
	};
}
