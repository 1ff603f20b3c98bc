import t from "tap";
import { ActorWatch } from "../../engine/actor-watch.ts";
import { limitsOf } from "../../engine/limits.ts";
import { createLog } from "../../engine/log.ts";
import type { Watermarks } from "../../engine/ports.ts";
import { Watchdog } from "../../engine/watchdog.ts";
import { ManualClock } from "../support/manual-clock.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

function watchdog() {
	const clock = new ManualClock();
	const limits = limitsOf({ flushIntervalMs: 250, flushRowsMax: 10, inFlightBytesMax: 8 << 20 });
	const watch = new ActorWatch(1, limits, clock);
	const happened: string[] = [];
	const world = { kafka: "up", postgres: "up", suspects: false };
	const dog = new Watchdog({
		limits,
		clock,
		watch,
		log: createLog({ level: "silent", format: "json" }),
		source: {
			watermarks: async () => {
				if (world.kafka === "hangs") return await new Promise<never>(() => {});
				if (world.kafka !== "up") throw new Error(world.kafka);
				return new Map<number, Watermarks>([[0, { low: 1, high: 9 }]]);
			},
		},
		store: {
			ping: async () => {
				if (world.postgres !== "up") throw new Error(world.postgres);
				return { oldestSnapshotSeconds: 7 };
			},
		},
		suspects: () => world.suspects,
		onSilent: (shard) => happened.push(`silent ${shard}`),
		onWatermarks: (of) => happened.push(`high ${of.get(0)?.high}`),
	});
	const look = async () => {
		clock.advance(limits.watermarkIntervalMs);
		await settled();
	};
	return { dog, look, world, happened, watch, clock, limits };
}

t.test("it reads the watermarks again and again, and says when it did", async (t) => {
	const { dog, look, happened, clock } = watchdog();
	dog.start();
	t.equal(dog.watermarks, null);
	await look();
	await look();
	t.same(happened, ["high 9", "high 9"]);
	t.equal(dog.watermarks?.atMs, clock.nowMs());
	dog.stop();
	await look();
	t.equal(happened.length, 2, "and not after stop");
});

t.test("Kafka and Postgres away are told with their reason, and until they answer", async (t) => {
	const { dog, look, world } = watchdog();
	dog.start();
	Object.assign(world, { kafka: "no broker", postgres: "read-only" });
	await look();
	t.match(dog, { kafkaTrouble: "no broker", postgresTrouble: "read-only", watermarks: null });
	Object.assign(world, { kafka: "up", postgres: "up" });
	await look();
	t.match(dog, { kafkaTrouble: null, postgresTrouble: null });
});

t.test("a Kafka that never answers does not keep Postgres and the actors from being looked at", async (t) => {
	const { dog, look, world, watch, happened, clock, limits } = watchdog();
	dog.start();
	world.kafka = "hangs";
	await look();
	world.postgres = "read-only";
	watch.posted(0, 10, 1);
	clock.advance(limits.actorSilenceMsMax);
	await settled();
	await look();
	clock.advance(500);
	await settled();
	t.equal(dog.postgresTrouble, "read-only");
	t.same(happened, ["silent 0"]);
	dog.stop();
});

t.test("an old reading stays when Kafka does not answer, with the time it was made", async (t) => {
	const { dog, look, world } = watchdog();
	dog.start();
	await look();
	const atMs = dog.watermarks?.atMs;
	world.kafka = "no broker";
	await look();
	t.equal(dog.watermarks?.atMs, atMs);
});

t.test("an actor that has work and says nothing is reported", async (t) => {
	const { dog, look, happened, watch, clock, limits } = watchdog();
	watch.posted(0, 10, 1);
	clock.advance(limits.actorSilenceMsMax + 1);
	dog.start();
	await look();
	t.notOk(happened.includes("silent 0"), "its answer may wait in the port behind the timers");
	clock.advance(1_000);
	await settled();
	t.ok(happened.includes("silent 0"));
});

t.test("an actor whose answer only waited behind the timers is not reported", async (t) => {
	const { dog, look, happened, watch, clock, limits } = watchdog();
	watch.posted(0, 10, 1);
	clock.advance(limits.actorSilenceMsMax + 1);
	dog.start();
	await look();
	watch.folded(0, 10, 1);
	clock.advance(1_000);
	await settled();
	t.notOk(happened.includes("silent 0"));
});

t.test("an actor that holds suspects is given less time", async (t) => {
	const { dog, look, happened, watch, clock, limits, world } = watchdog();
	world.suspects = true;
	watch.posted(0, 10, 1);
	clock.advance(limits.suspectSilenceMsMax + 1);
	dog.start();
	await look();
	clock.advance(1_000);
	await settled();
	t.ok(happened.includes("silent 0"));
});
