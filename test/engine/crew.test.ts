import t from "tap";
import { ActorWatch } from "../../engine/actor-watch.ts";
import { Crew } from "../../engine/crew.ts";
import { limitsOf } from "../../engine/limits.ts";
import { createLog } from "../../engine/log.ts";
import type { ActorPort } from "../../engine/ports.ts";
import { part } from "../support/frozen-parts.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** Two actors that only note what they are told. */
function crewOfTwo() {
	const happened: string[] = [];
	const world = {
		incarnation: 1,
		replaced: Promise.resolve() as Promise<void>,
		judgement: "counts" as "counts" | "explained" | "hopeless",
	};
	const actors: ActorPort = {
		count: 2,
		start: async () => {},
		post: (shard, message) => void happened.push(`${message.kind} to ${shard}`),
		inHand: () => null,
		replace: () => world.replaced,
		stop: async () => {},
	};
	const clock = new ManualClock();
	const limits = limitsOf({ flushIntervalMs: 250, flushRowsMax: 10, inFlightBytesMax: 8 << 20 });
	const watch = new ActorWatch(2, limits, clock);
	const crew = new Crew({
		actors,
		watch,
		observer: { actorRestarted: (shard) => happened.push(`restarted ${shard}`) },
		log: createLog({ level: "silent", format: "json" }),
		clock,
		calls: {
			incarnation: () => world.incarnation,
			frozen: ({ set }) => happened.push(`frozen ${set}`),
			judge: () => world.judgement,
			lost: (error) => happened.push(`lost: ${error.message}`),
			broken: (error) => happened.push(`broken: ${(error as Error).message}`),
			act: () => {},
		},
	});
	return { crew, watch, clock, limits, world, happened };
}

t.test("an answer to a barrier of a run that is over is dropped", async (t) => {
	const { crew, world, happened } = crewOfTwo();
	world.incarnation = 2;
	crew.message(0, { kind: "frozen", incarnation: 1, set: 7, part: part(0, [], 0) });
	t.same(happened, []);
	crew.message(0, { kind: "frozen", incarnation: 2, set: 8, part: part(0, [], 0) });
	t.same(happened, ["frozen 8"]);
});

t.test("an actor that hangs in a barrier is silent, though its mailbox is empty", async (t) => {
	const { crew, watch, clock, limits } = crewOfTwo();
	crew.barrier(1);
	crew.message(1, { kind: "frozen", incarnation: 1, set: 1, part: part(1, [], 0) });
	clock.advance(limits.actorSilenceMsMax + 1);
	t.same(watch.silent(limits.actorSilenceMsMax), [0]);
});

t.test("barriers of a run that is over are not waited for", async (t) => {
	const { crew, watch, clock, limits } = crewOfTwo();
	crew.barrier(1);
	crew.drop();
	clock.advance(limits.actorSilenceMsMax + 1);
	t.same(watch.silent(limits.actorSilenceMsMax), []);
});

t.test(
	"a lost actor is replaced, and the crew is whole again with an actor that knows the run",
	async (t) => {
		const { crew, happened } = crewOfTwo();
		crew.lost(1, new Error("it crashed"));
		t.equal(crew.isWhole, false);
		t.same(happened, ["restarted 1", "lost: it crashed"]);
		await new Promise((resolve) => setImmediate(resolve));
		t.equal(crew.isWhole, true);
		t.same(happened.slice(-2), ["drop to 1", "care to 1"]);
	},
);

t.test("an actor that does not start is started again, within the budget of losses", async (t) => {
	const { crew, world, happened, clock, limits } = crewOfTwo();
	const settled = () => new Promise((resolve) => setImmediate(resolve));
	world.replaced = Promise.reject(new Error("no memory"));
	crew.lost(0, new Error("it crashed"));
	await settled();
	t.equal(crew.isWhole, false);
	t.notOk(happened.includes("broken: no memory"));
	world.replaced = Promise.resolve();
	clock.advance(1_000);
	await settled();
	t.equal(crew.isWhole, true);

	world.replaced = Promise.reject(new Error("no memory"));
	crew.lost(0, new Error("it crashed"));
	for (let i = 0; i < limits.actorLossesMax; i++) {
		await settled();
		clock.advance(1_000);
	}
	await settled();
	t.equal(happened.at(-1), "broken: no memory");
});

t.test("actors that keep dying end the engine instead of being replaced for ever", async (t) => {
	const { crew, limits, happened } = crewOfTwo();
	for (let i = 0; i <= limits.actorLossesMax; i++) crew.lost(0, new Error("again"));
	t.match(happened.at(-1), /^broken: actors keep dying/);
});

t.test("losses that a message explains are not counted, and clear the account", async (t) => {
	const { crew, limits, world, happened } = crewOfTwo();
	for (let i = 0; i < limits.actorLossesMax; i++) crew.lost(0, new Error("again"));
	world.judgement = "explained";
	crew.lost(0, new Error("the accused"));
	world.judgement = "counts";
	for (let i = 0; i < limits.actorLossesMax; i++) crew.lost(0, new Error("again"));
	t.equal(happened.at(-1), "lost: again");
	world.judgement = "hopeless";
	crew.lost(0, new Error("one too many"));
	t.match(happened.at(-1), /^broken: actors keep dying/);
});
