import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { createRandom } from "../../producer/random.ts";
import { createDatabase } from "../support/database.ts";
import { startEngine } from "../support/engine-process.ts";
import { expectExact } from "../support/expect-exact.ts";
import { readOffsetHistory, recordOffsetHistory } from "../support/offset-history.ts";
import { shuffled } from "../support/shuffled.ts";
import { countedIn } from "../support/snapshot.ts";
import { chooseSeed, startProducer, stream } from "../support/stream.ts";
import { createTopic } from "../support/topic.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Rounds by the signal that ends them. */
const SIGTERMS = 5;
const SIGKILLS = 10;
/** An engine that joins at once has claimed and committed several times by then; a third of the rounds ends earlier. */
const ROUND_MS_MAX = 1_500;
const PER_SECOND = 1_500;

t.test(
	"every record is counted once, however often the engine is stopped or killed under load",
	async (t) => {
		const seed = chooseSeed(t);
		const random = createRandom(seed);
		const database = await createDatabase(t);
		await migrate(database.settings);
		await recordOffsetHistory(database.client);
		const topic = await createTopic(t, { partitions: 4 });
		const messages = stream(seed, 150_000);
		const producer = startProducer(t, topic, messages, PER_SECOND);
		const signals = shuffled<NodeJS.Signals>(
			[...Array(SIGTERMS).fill("SIGTERM"), ...Array(SIGKILLS).fill("SIGKILL")],
			random,
		);

		const start = (round: number) =>
			startEngine(t, {
				topic,
				database,
				label: `round ${round}`,
				// A group of its own: the database decides where to go on, and nobody waits for a dead member.
				groupId: `${topic.name}-${round}`,
				env: {
					ACTORS: String(1 + random.below(3)),
					FLUSH_ROWS_MAX: String(random.pick([1, 7, 500, 20_000])),
					FLUSH_INTERVAL_MS: "50",
				},
			});

		let roundsWithProgress = 0;
		for (const [round, signal] of signals.entries()) {
			const before = await countedIn(database.client);
			const engine = await start(round);
			// On a slow machine no round of chance lasts until a commit.
			if (round % 3 === 0) {
				await waitUntil(async () => (await countedIn(database.client)) > before, { what: "a commit" });
			}
			await sleep(random.below(ROUND_MS_MAX));
			engine.kill(signal);
			t.same(
				await engine.exited,
				signal === "SIGTERM" ? { code: 0, signal: null } : { code: null, signal },
				`round ${round} ends by ${signal}`,
			);
			if ((await countedIn(database.client)) > before) roundsWithProgress++;
		}
		t.ok(roundsWithProgress >= 5, `${roundsWithProgress} rounds were ended after they had committed`);

		const sent = await producer.stop();
		const engine = await start(signals.length);
		await expectExact(t, database.client, topic, messages.slice(0, sent));
		t.same(await engine.stop(), { code: 0, signal: null });
		const history = await readOffsetHistory(database.client);
		t.same(history.problems, [], `I1 over ${history.commits} commits and ${history.claims} claims`);
	},
);
