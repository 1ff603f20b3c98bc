/** What happens to brokers. With one of them Kafka is away; with three, leaders and coordinators move. */
import type { HowToStop } from "../support/own-parts.ts";
import type { Fault, Lift } from "./fault.ts";
import type { World } from "./world.ts";

export const KAFKA_FAULTS: readonly Fault[] = [
	{
		name: "broker-restart",
		victim: "broker",
		weight: 2,
		holdMs: [0, 2_000],
		strike: (world) => stopped(world, "orderly"),
	},
	{
		name: "broker-kill",
		victim: "broker",
		weight: 2,
		holdMs: [0, 4_000],
		strike: (world) => stopped(world, "crash"),
	},
	{ name: "broker-freeze", victim: "broker", weight: 2, holdMs: [500, 4_000], strike: frozen },
	{
		name: "broker-freeze-past-session",
		victim: "broker",
		weight: 1,
		holdMs: [8_000, 11_000],
		strike: frozen,
	},
];

async function stopped({ kafka, random }: World, how: HowToStop): Promise<Lift> {
	const node = random.pick(kafka.nodes);
	await node.stop(how);
	return () => node.startAgain();
}

async function frozen({ kafka, random }: World): Promise<Lift> {
	const node = random.pick(kafka.nodes);
	node.freeze();
	return async () => node.thaw();
}
