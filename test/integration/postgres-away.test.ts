import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import t from "tap";
import { startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { type HowToStop, ownPostgres } from "../support/own-parts.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { createTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

const AWAY_MS = 10_000;
const PER_SECOND = 2_000;
/** Twice what the engine needs when all is well: whatever grows while Postgres is away would pass it. */
const MEMORY_MB_MAX = 600;

for (const how of ["orderly", "crash"] satisfies HowToStop[]) {
	t.test(
		`when Postgres is away for ten seconds (${how}), Kafka waits, memory stays, and nothing is lost`,
		async (t) => {
			const seed = chooseSeed(t);
			const postgres = await ownPostgres(t);
			const { host, port, user, password, database } = postgres.at;
			const settings = { host, port, user, password, database, ssl: false as const };
			const topic = await createTopic(t, { partitions: 3 });
			const messages = stream(seed, 200_000);
			const producer = startProducer(t, topic, messages, PER_SECOND);
			const engine = await startEngine(t, { topic, database: { settings } });
			await waitUntil(async () => (await engine.status()).totals.stored > PER_SECOND, {
				what: "the first seconds",
			});

			await postgres.stop(how);
			const unready = await waitUntil(async () => {
				const { status, body } = await engine.get("/readyz");
				return status === 503 && body.includes("Postgres") && body;
			});
			t.match(JSON.parse(unready), { ready: false });
			t.match(JSON.parse(unready).reasons.join(), /Postgres/, "says that it is Postgres");
			t.equal((await engine.get("/livez")).status, 200, "but nobody should restart it for that");
			await waitUntil(
				async () => {
					const { partitions } = await engine.status();
					return partitions.length === 3 && partitions.every(({ pausedReasons }) => pausedReasons.length > 0);
				},
				{ what: "three partitions that wait" },
			);
			const sentBefore = producer.sent;
			await sleep(AWAY_MS);
			t.ok(producer.sent > sentBefore + PER_SECOND, "events went on coming in the meantime");
			t.ok(peakMemoryMb(engine.pid) < MEMORY_MB_MAX, `at most ${peakMemoryMb(engine.pid)} MB of memory`);

			await postgres.startAgain();
			const sent = await producer.stop();
			await untilCaughtUp(engine);
			await engine.ready();
			const client = new pg.Client(settings);
			await client.connect();
			t.teardown(() => client.end());
			await expectExact(t, client, topic, messages.slice(0, sent));
			t.ok((await engine.status()).totals.recoveries > 0, "it had noticed");
			t.ok(peakMemoryMb(engine.pid) < MEMORY_MB_MAX, `at most ${peakMemoryMb(engine.pid)} MB of memory`);
			t.same(await engine.stop(), { code: 0, signal: null });
		},
	);
}

/** The most memory a process ever had, in MB, as Linux counts it. */
function peakMemoryMb(pid: number): number {
	const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
	if (kilobytes === undefined) throw new Error("/proc says nothing of the peak of memory");
	return Math.round(Number(kilobytes) / 1024);
}
