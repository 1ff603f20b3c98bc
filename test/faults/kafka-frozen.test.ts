/** A broker that is frozen: every connection stays open, and nothing answers. */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { setKafkaStage, watchTruth } from "../support/kafka-stage.ts";
import { metricValue } from "../support/prometheus-text.ts";
import { countedIn } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Longer than the session (6 s), a request (5 s) and all tries of a request; `FREEZE_MS=60000` for a whole minute. */
const FREEZE_MS = Number(process.env["FREEZE_MS"] || 15_000);

t.test(`a broker frozen for ${FREEZE_MS} ms is noticed, told of, and waited for`, async (t) => {
	const stage = await setKafkaStage(t, { brokers: 1, partitions: 3 });
	const [broker] = stage.kafka.nodes;
	const engine = await stage.start();
	await stage.untilFlowing("the start");
	const truth = watchTruth(t, engine, stage);
	const before = engine.log.length;

	broker!.freeze();
	const frozen = sleep(FREEZE_MS);
	await truth.saysNotReady(/Kafka/);
	t.equal((await engine.get("/livez")).status, 200, "nobody should restart it for that");
	t.equal(metricValue(await engine.metrics(), "engine_ready"), 0, "its metric says so too");
	await frozen;
	const counted = await countedIn(stage.client);
	broker!.thaw();
	await waitUntil(async () => (await countedIn(stage.client)) > counted, { what: "work going on" });
	await stage.untilFlowing("after the thaw");

	const told = await waitUntil(
		() => {
			const lines = engine.log.slice(before).filter(({ component }) => component === "watchdog");
			return lines.length >= 2 && lines;
		},
		{ what: "two lines of the watchdog" },
	);
	t.match(told[0]?.msg, /^Kafka does not answer/, "a line when it begins");
	t.match(told[1]?.msg, /^Kafka answers again/, "and one when it ends");
	await truth.expectTruth();
	await stage.expectExact([engine]);
});
