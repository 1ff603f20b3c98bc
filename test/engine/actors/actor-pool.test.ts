import t from "tap";
import { ActorPool } from "../../../engine/actors/actor-pool.ts";
import type { ActorListener } from "../../../engine/ports.ts";
import type { ActorSettings, FromActor, ToActor } from "../../../workers/messages.ts";
import type { PackedSlice } from "../../../workers/slice.ts";
import type { Misbehaviour } from "../../support/misbehaving-actor.ts";
import { pack, record } from "../../support/slices.ts";

const MISBEHAVING = new URL("../../support/misbehaving-actor.js", import.meta.url);

function settings(shard: number, topic = "user_events"): Omit<ActorSettings, "currentRecord"> {
	const rules = { futureSkewMs: 0, latePolicy: "correct", lateAfterMs: 0 } as const;
	return { shard, topic, rules, storedIdsMax: 100 };
}

/** Everything the pool says, as lines that a test can wait for. */
class Listener implements ActorListener {
	readonly messages: { shard: number; message: FromActor }[] = [];
	readonly losses: string[] = [];
	#look: () => void = () => {};

	message(shard: number, message: FromActor): void {
		this.messages.push({ shard, message });
		this.#look();
	}

	lost(shard: number, error: Error): void {
		this.losses.push(`${shard}: ${error.message}`);
		this.#look();
	}

	/** Resolves when it holds; the file's own deadline ends a test that waits in vain. */
	until(holds: () => boolean): Promise<void> {
		return new Promise((resolve) => {
			this.#look = () => {
				if (holds()) resolve();
			};
			this.#look();
		});
	}

	kinds(shard: number): string[] {
		return this.messages.filter((one) => one.shard === shard).map(({ message }) => message.kind);
	}
}

async function started(t: Tap, pool: ActorPool): Promise<Listener> {
	const listener = new Listener();
	t.teardown(() => pool.stop());
	await pool.start(listener);
	return listener;
}

type Tap = typeof t;

function slice(count: number): PackedSlice {
	const value =
		'{"event_type":"logout","event_time":"2025-06-01T00:00:00","payload":{"user_id":"a","session_id":1}}';
	return pack(Array.from({ length: count }, (_, offset) => record({ value, offset, timestampMs: -1 })));
}

function postSlice(pool: ActorPool, shard: number, one: PackedSlice, incarnation = 1): void {
	pool.post(shard, { kind: "slice", incarnation, slice: one }, [one.values, one.meta, one.index]);
}

const misbehave = (detail: Misbehaviour): ToActor => {
	const condemned = [{ partition: 0, offset: 0, reason: "actor_crash", detail }] as const;
	return { kind: "care", condemned, suspects: [] };
};

t.test(
	"actors fold on threads of their own, and answer a barrier behind what was posted before it",
	async (t) => {
		const pool = new ActorPool([settings(0), settings(1)]);
		t.equal(pool.count, 2);
		const listener = await started(t as Tap, pool);
		t.same(listener.messages, [], "start resolves when they are ready, which is no news to the supervisor");
		const first = slice(2);
		const { byteLength } = first;
		postSlice(pool, 0, first);
		t.equal(first.values.byteLength, 0, "the buffers were given away, not copied");
		postSlice(pool, 0, slice(1));
		postSlice(pool, 1, slice(5));
		for (const shard of [0, 1]) pool.post(shard, { kind: "freeze", incarnation: 1, set: 4 });
		await listener.until(
			() => listener.messages.filter(({ message }) => message.kind === "frozen").length === 2,
		);
		t.same(listener.kinds(0), ["folded", "folded", "frozen"]);
		t.same(listener.kinds(1), ["folded", "frozen"]);
		const of = (shard: number) =>
			listener.messages.filter((one) => one.shard === shard).map(({ message }) => message);
		t.match(of(0)[0], { byteLength });
		t.match(of(0).at(-1), { set: 4, part: { shard: 0, folds: [{ rowCount: 3 }] } });
		t.match(of(1).at(-1), { set: 4, part: { shard: 1, folds: [{ rowCount: 5 }] } });
		await pool.stop();
		t.same(listener.losses, [], "to be stopped is no loss");
	},
);

t.test("a broken protocol loses one actor, once, and the others go on", async (t) => {
	const pool = new ActorPool([settings(0), settings(1)]);
	const listener = await started(t as Tap, pool);
	pool.post(0, { kind: "drop", incarnation: 1 });
	pool.post(0, { kind: "freeze", incarnation: 2, set: 1 });
	await listener.until(() => listener.losses.length > 0);
	postSlice(pool, 1, slice(1));
	await listener.until(() => listener.kinds(1).includes("folded"));
	t.match(listener.losses, [/^0: /]);
	t.equal(listener.losses.length, 1);
});

for (const [how, message] of [
	["exit", /^0: .*(exited|ended)/],
	["throw", /^0: .*(nobody caught this|ended)/],
	["reject", /^0: the task gave up/],
	["finish", /^0: its task ended/],
	["close", /^0: its thread ended/],
] as const) {
	t.test(`a thread that does "${how}" is lost once, and a new one takes its place`, async (t) => {
		const pool = new ActorPool([settings(0)], MISBEHAVING);
		const listener = await started(t as Tap, pool);
		pool.post(0, misbehave(how));
		await listener.until(() => listener.losses.length > 0);
		t.match(listener.losses, [message]);
		pool.post(0, misbehave("answer"));
		await pool.replace(0);
		t.same(listener.messages, [], "what was posted to a lost actor went nowhere");
		pool.post(0, misbehave("answer"));
		await listener.until(() => listener.messages.length > 0);
		t.equal(listener.losses.length, 1, "neither its end nor its replacement is told again");
		pool.post(0, misbehave("reject"));
		await listener.until(() => listener.losses.length > 1);
		t.match(listener.losses[1], /the task gave up/, "the new one can be lost as well");
	});
}

t.test("a replaced actor starts empty", async (t) => {
	const pool = new ActorPool([settings(0)]);
	const listener = await started(t as Tap, pool);
	postSlice(pool, 0, slice(3), 1);
	await listener.until(() => listener.kinds(0).includes("folded"));
	await pool.replace(0);
	t.same(listener.losses, [], "to be replaced is no loss");
	pool.post(0, { kind: "drop", incarnation: 2 });
	pool.post(0, { kind: "freeze", incarnation: 2, set: 9 });
	await listener.until(() => listener.kinds(0).includes("frozen"));
	t.match(listener.messages.at(-1)?.message, { set: 9, part: { folds: [] } });
});

t.test("an actor that hangs is replaced, whatever it is busy with", async (t) => {
	const pool = new ActorPool([settings(0)], MISBEHAVING);
	const listener = await started(t as Tap, pool);
	pool.post(0, misbehave("hang"));
	await pool.replace(0);
	pool.post(0, misbehave("answer"));
	await listener.until(() => listener.messages.length === 1);
	t.same(listener.losses, []);
});

t.test("an actor that does not listen is terminated at stop; stopping twice is safe", async (t) => {
	const pool = new ActorPool([settings(0), settings(1)], MISBEHAVING);
	const listener = await started(t as Tap, pool);
	pool.post(0, misbehave("hang"));
	pool.post(1, misbehave("deaf"));
	await listener.until(() => listener.messages.length === 1);
	await pool.stop();
	await pool.stop();
	t.same(listener.losses, []);
	pool.post(0, misbehave("answer"));
	pool.post(1, misbehave("answer"));
	t.equal(listener.messages.length, 1, "nobody is there to answer");
});

for (const [topic, message] of [
	["exit at start", /exited|ended/],
	["reject at start", /no start today/],
] as const) {
	t.test(`a thread that does "${topic}" fails the start, and is no loss`, async (t) => {
		const pool = new ActorPool([settings(0, topic)], MISBEHAVING);
		const listener = new Listener();
		t.teardown(() => pool.stop());
		await t.rejects(pool.start(listener), { message });
		t.same(listener.losses, []);
	});
}
