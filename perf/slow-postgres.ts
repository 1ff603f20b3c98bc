/**
 * `node perf slow-postgres`: steady traffic while Postgres first answers each COMMIT late, and then not at all for a
 * while. Memory must stay within its limit, reading must pause and nothing be lost; and how soon is all of it made up for.
 */
import { watchCommitted } from "./support/cases/committed.ts";
import { freezeProcesses } from "./support/cases/freeze-processes.ts";
import { slowPostgresOutcome } from "./support/cases/slow-postgres-figures.ts";
import { openSlowWire } from "./support/cases/slow-wire.ts";
import { startLoad } from "./support/load/load.ts";
import { choice, integer } from "./support/options.ts";
import { peakMemoryBytes } from "./support/process-usage.ts";
import { defineScenario } from "./support/scenario.ts";
import { readProgress } from "./support/status-poll.ts";

/** How well the moments of recovery are known. */
const POLL_MS = 20;
/** Caught up is: no more waits than comes in so long. */
const CAUGHT_UP_SECONDS = 1;
const SETTLE_MS_MAX = 120_000;

export const scenario = defineScenario({
	name: "slow-postgres",
	about: "commits delayed, then Postgres frozen for 20 s under steady traffic: memory, pauses, recovery",
	options: {
		rate: integer(40_000, [100, 1_000_000], "events per second"),
		partitions: integer(8, [1, 1000], "partitions of the topic"),
		calmSeconds: integer(8, [2, 600], "seconds of quiet before, and behind"),
		slowSeconds: integer(15, [2, 600], "seconds with delayed commits"),
		delayMs: integer(200, [0, 10_000], "how late the server sees each COMMIT"),
		frozenSeconds: integer(20, [1, 600], "seconds in which Postgres stands still"),
		freeze: choice(
			"wire",
			["wire", "server"],
			"wire: a proxy passes nothing on; server: SIGSTOP, embedded Postgres only",
		),
	},
	quick: { rate: 10_000, calmSeconds: 3, slowSeconds: 3, frozenSeconds: 5 },
	async run(context) {
		const { rate, partitions, calmSeconds, slowSeconds, delayMs, frozenSeconds, freeze } = context.options;
		const { embedded, pids } = context.places;
		if (freeze === "server" && (!embedded || pids.postgres === null))
			throw new Error("--freeze server stops processes, and this Postgres is not ours: use --freeze wire");
		const topic = await context.topic({ partitions });
		const database = await context.database();
		const wire = await openSlowWire(database.url);
		context.onCleanup(() => wire.close());
		const engine = await context.engine({ topic: topic.name, databaseUrl: wire.url });
		const load = await startLoad({ brokers: topic.brokers, topic: topic.name, topRatePerSecond: rate });
		context.onCleanup(() => load.stop());
		const committed = watchCommitted(context, database.url, () => engine);
		const sent = () => load.progress().acknowledged;
		const sampler = await context.sample({
			engines: () => [engine],
			databaseUrl: database.url,
			sent,
			senderCpuSeconds: () => load.progress().cpuSeconds,
		});
		await load.setRate(rate);
		await committed.atLeast(1);
		await context.sleep(calmSeconds * 1000);

		const slowFrom = sampler.now();
		wire.commitDelayMs = delayMs;
		context.mark(`commits ${delayMs} ms late`);
		await context.sleep(slowSeconds * 1000);
		if (wire.commits === 0) throw new Error("the proxy has seen no COMMIT: nothing was delayed");
		wire.commitDelayMs = 0;

		const frozenFrom = sampler.now();
		const thaw = freeze === "server" ? freezeProcesses(pids.postgres!) : wire.freeze();
		context.onCleanup(async () => thaw());
		context.mark("Postgres frozen");
		await context.sleep(frozenSeconds * 1000);
		thaw();
		context.mark("thawed");
		const thawedAt = sampler.now();
		const before = await committed.atLeast(0);
		await committed.atLeast(before + 1);
		const firstCommitAt = sampler.now();
		// What is sent meanwhile has to be made up for as well.
		while ((await committed.atLeast(0)) < sent() - rate * CAUGHT_UP_SECONDS) await context.sleep(POLL_MS);
		const caughtUpAt = sampler.now();
		context.mark("caught up");
		await context.sleep(calmSeconds * 1000);

		const { acknowledged } = await load.finish(SETTLE_MS_MAX);
		await committed.atLeast(acknowledged);
		const recoveries = (await readProgress(engine.url))?.recoveries ?? null;
		const peakBytes = peakMemoryBytes(engine.pid);
		const timeline = await sampler.stop();
		await engine.stop();
		await context.check(database, { sent: acknowledged });
		context.checked(
			"what was sent while Postgres was slow and frozen is stored once, and nothing is missing",
		);
		const moments = { slowFrom, frozenFrom, thawedAt, firstCommitAt, caughtUpAt };
		return {
			...slowPostgresOutcome({ samples: timeline.samples, moments, rate, delayMs, recoveries, peakBytes }),
			timeline,
		};
	},
});
