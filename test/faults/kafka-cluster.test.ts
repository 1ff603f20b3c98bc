/** A cluster of three: whichever broker is lost, the other two go on, and so does the engine, before it is back. */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { KafkaNode } from "../support/kafka-cluster.ts";
import { type KafkaStage, setKafkaStage, watchTruth } from "../support/kafka-stage.ts";
import { shuffled } from "../support/shuffled.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Longer than the session of a broker (3 s), so that it loses its partitions while it sleeps. */
const FREEZE_MS = 8_000;
const PARTITIONS = 6;

t.test("each broker of three in turn may be killed, frozen, and lose its partitions", async (t) => {
	const stage = await setKafkaStage(t, { brokers: 3, partitions: PARTITIONS, perSecond: 500 });
	const { kafka, topic, random } = stage;
	const engine = await stage.start();
	await stage.untilFlowing("the start");
	const truth = watchTruth(t, engine, stage);
	const lives = async (when: string) =>
		t.equal((await engine.get("/livez")).status, 200, `it lives: ${when}`);
	const whole = () => kafka.whole([topic.name, "__consumer_offsets"]);

	for (const node of shuffled(kafka.nodes, random)) {
		await node.stop("crash");
		await untilLedByOthers(stage, node);
		await stage.untilFlowing(`without broker ${node.id}`);
		await lives(`without broker ${node.id}`);
		await node.startAgain();
		await whole();
	}

	const frozen = random.pick(kafka.nodes);
	frozen.freeze();
	const asleep = sleep(FREEZE_MS);
	await untilLedByOthers(stage, frozen);
	await stage.untilFlowing(`while broker ${frozen.id} is frozen`);
	await lives(`while broker ${frozen.id} is frozen`);
	await asleep;
	frozen.thaw();
	await whole();
	await stage.untilFlowing(`with broker ${frozen.id} awake`);

	const wanted = await moveLeaders(stage);
	await waitUntil(async () => String(await kafka.leaders(topic.name)) === String(wanted), {
		what: `leaders ${wanted}`,
	});
	await stage.untilFlowing(`with leaders ${wanted}`);

	await truth.expectTruth();
	await stage.expectExact([engine]);
});

async function untilLedByOthers({ kafka, topic }: KafkaStage, { id }: KafkaNode): Promise<void> {
	await waitUntil(
		async () => {
			const leaders = await kafka.leaders(topic.name);
			return leaders.length === PARTITIONS && leaders.every((leader) => leader > 0 && leader !== id);
		},
		{ what: `other leaders than broker ${id}` },
	);
}

/** Gives every partition another preferred leader; the controller elects it within seconds. Returns the leaders to be. */
async function moveLeaders({ kafka, topic }: KafkaStage): Promise<readonly number[]> {
	const before = await kafka.leaders(topic.name);
	const ids = kafka.nodes.map(({ id }) => id);
	const partitionAssignment = before.map((leader, partition) => {
		const first = (ids.indexOf(leader) + 1) % ids.length;
		return { partition, replicas: [...ids.slice(first), ...ids.slice(0, first)] };
	});
	await kafka.admin.alterPartitionReassignments({ topics: [{ topic: topic.name, partitionAssignment }] });
	return partitionAssignment.map(({ replicas }) => replicas[0]!);
}
