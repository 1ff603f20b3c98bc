/** One broker, restarted again and again under load: in order or killed, at random moments, for a moment or for long. */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { setKafkaStage, watchTruth } from "../support/kafka-stage.ts";
import type { HowToStop } from "../support/own-parts.ts";
import { shuffled } from "../support/shuffled.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Back at once, which takes a broker two to five seconds. */
const ROUNDS: readonly HowToStop[] = ["orderly", "crash"];
const MOMENT_MS_MAX = 500;

t.test(
	"a broker that restarts, in order or killed, at any moment, costs time and nothing else",
	async (t) => {
		const stage = await setKafkaStage(t, { brokers: 1, partitions: 3 });
		const [broker] = stage.kafka.nodes;
		const engine = await stage.start({ env: { FLUSH_INTERVAL_MS: "50" } });
		await stage.untilFlowing("the start");
		const truth = watchTruth(t, engine, stage);

		for (const how of shuffled(ROUNDS, stage.random)) {
			await sleep(stage.random.below(MOMENT_MS_MAX));
			await broker!.stop(how);
			t.equal((await engine.get("/livez")).status, 200, `it lives while the broker is away (${how})`);
			await broker!.startAgain();
			await stage.untilFlowing(`after the broker's end (${how})`);
		}

		// Away for so long that the consumer gives up and a new one has to join.
		const mark = engine.log.length;
		const rebuilds = async (): Promise<number> => {
			const family = (await engine.metrics()).get("engine_consumer_rebuilds_total");
			return (family?.samples ?? []).reduce((sum, { value }) => sum + value, 0);
		};
		const before = await rebuilds();
		const says = (what: RegExp) => engine.log.slice(mark).some(({ msg }) => what.test(msg));
		await broker!.stop("crash");
		await truth.saysNotReady(/group has not answered|Kafka does not answer/);
		await waitUntil(() => says(/^the consumer crashed .* building a new one/), {
			what: "a line of what is done",
		});
		await broker!.startAgain();
		await engine.ready();
		t.ok(says(/^joined the group/), "it is not ready before it is in the group again");
		t.ok((await rebuilds()) > before, "and the new consumer is counted");
		await stage.untilFlowing("after the long absence");

		await truth.expectTruth();
		await stage.expectExact([engine]);
	},
);
